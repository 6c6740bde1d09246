using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using UnixLoop.Hosting.Connections;

namespace UnixLoop.Hosting.Kestrel.Connections;

/// <summary>The connection's input, with the exception that Kestrel knows for a peer that has gone in the midst of things.</summary>
internal sealed class TransportReader(PipeReader input) : ForwardedReader(input)
{
    private const int ConnectionReset = 104; // ECONNRESET

    public override bool TryRead(out ReadResult result)
    {
        try
        {
            return base.TryRead(out result);
        }
        catch (IOException e) when (e.HResult == ConnectionReset)
        {
            throw new ConnectionResetException(e.Message, e);
        }
    }

    protected override ReadResult End(ValueTask<ReadResult> read)
    {
        try
        {
            return read.GetAwaiter().GetResult();
        }
        catch (IOException e) when (e.HResult == ConnectionReset)
        {
            throw new ConnectionResetException(e.Message, e);
        }
    }
}
