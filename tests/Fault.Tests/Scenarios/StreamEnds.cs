using Microsoft.Win32.SafeHandles;
using UnixLoop.Fault.Tests.Campaigns;
using UnixLoop.Fault.Tests.Interop;

namespace UnixLoop.Fault.Tests.Scenarios;

/// <summary>What stands behind the standard streams of <see cref="StandardStreamsScenario"/>: their descriptors, and the other ends.</summary>
internal sealed class StreamEnds : IDisposable
{
    private readonly SafeFileHandle? _feed;
    private readonly SafeFileHandle? _drain;
    private readonly DirectoryInfo? _folder;
    private Task _feeding = Task.CompletedTask;
    private Task<byte[]> _draining = Task.FromResult<byte[]>([]);

    private StreamEnds(SafeFileHandle input, SafeFileHandle output, SafeFileHandle? feed, SafeFileHandle? drain, byte[] fed, DirectoryInfo? folder = null)
    {
        (Input, Output, _feed, _drain, Fed, _folder) = (input, output, feed, drain, fed, folder);
    }

    internal SafeFileHandle Input { get; }

    internal SafeFileHandle Output { get; }

    /// <summary>What comes in.</summary>
    internal byte[] Fed { get; }

    internal bool KeepsOutput => _drain is not null || _folder is not null;

    internal static StreamEnds Create(StandardStreamsScenario.Kind kind, byte[] content)
    {
        switch (kind)
        {
            case StandardStreamsScenario.Kind.Pipe:
            case StandardStreamsScenario.Kind.Socket:
                Func<(SafeFileHandle, SafeFileHandle)> pair = kind == StandardStreamsScenario.Kind.Pipe ? FaultLibc.BlockingPipe : FaultLibc.BlockingSocketPair;
                (SafeFileHandle input, SafeFileHandle feed) = pair();
                (SafeFileHandle drain, SafeFileHandle output) = pair();
                return new StreamEnds(input, output, feed, drain, content);
            case StandardStreamsScenario.Kind.Thread:
                byte[] fed = content[..10_000]; // fits into the pipe
                (SafeFileHandle read, SafeFileHandle write) = FaultLibc.BlockingPipe();
                using (FileStream writer = new(write, FileAccess.Write, bufferSize: 0))
                    writer.Write(fed);
                return new StreamEnds(read, File.OpenHandle("/dev/zero", FileMode.Open, FileAccess.Write), null, null, fed);
            default:
                DirectoryInfo folder = Directory.CreateTempSubdirectory("fault-stdio-");
                string from = Path.Combine(folder.FullName, "from");
                File.WriteAllBytes(from, content);
                return new StreamEnds(
                    File.OpenHandle(from), File.OpenHandle(PathTo(folder), FileMode.CreateNew, FileAccess.Write), null, null, content, folder);
        }
    }

    internal void Begin(Rig rig)
    {
        if (_feed is not null)
            _feeding = rig.Track(Task.Run(Feed));
        if (_drain is not null)
            _draining = rig.Track(Task.Run(() => FaultLibc.ReadToEnd(_drain)));
    }

    /// <summary>Once nobody holds the streams any more.</summary>
    internal async Task<byte[]> ReadWrittenAsync()
    {
        await _feeding;
        return _folder is null ? await _draining : await File.ReadAllBytesAsync(PathTo(_folder));
    }

    public void Dispose()
    {
        Input.Dispose();
        Output.Dispose();
        _feed?.Dispose();
        _drain?.Dispose();
        _folder?.Delete(recursive: true);
    }

    private void Feed()
    {
        using FileStream stream = new(_feed!, FileAccess.Write, bufferSize: 0);
        try
        {
            stream.Write(Fed);
        }
        catch (IOException)
        {
            // Nobody reads any more: who does tells why.
        }
    }

    private static string PathTo(DirectoryInfo folder) => Path.Combine(folder.FullName, "to");
}
