using System.Runtime.InteropServices;
using UnixLoop.Subprocesses;

namespace UnixLoop.Loop.Tests.Spawning;

public sealed unsafe class NativeStringsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void Add_BeyondTheMost_IsRefusedAndKeepsWhatIsThere(int scratchWords)
    {
        nint* scratch = stackalloc nint[scratchWords + 1];
        NativeStrings strings = new(2, new Span<nint>(scratch, scratchWords));
        try
        {
            strings.Add("first");
            strings.AddNull();
            bool refused = false, refusedNull = false;
            try
            {
                strings.Add("second");
            }
            catch (InvalidOperationException)
            {
                refused = true;
            }
            try
            {
                strings.AddNull();
            }
            catch (InvalidOperationException)
            {
                refusedNull = true;
            }
            strings.Complete();
            Assert.True(refused && refusedNull);
            Assert.Equal(2, strings.Count);
            Assert.Equal("first", Marshal.PtrToStringUTF8((nint)(*strings.From(0))));
        }
        finally
        {
            strings.Dispose();
        }
    }
}
