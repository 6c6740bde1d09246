using System.IO.Pipelines;

namespace UnixLoop.Hosting.Connections;

/// <summary>A connection's input, whose reads are noted as they end.</summary>
internal sealed class DrainedReader(PipeReader inner, DrainedConnection connection) : ForwardedReader(inner)
{
    public override bool TryRead(out ReadResult result)
    {
        bool isRead = base.TryRead(out result);
        if (isRead)
            connection.OnRead(result.Buffer);
        return isRead;
    }

    protected override ReadResult End(ValueTask<ReadResult> read)
    {
        ReadResult result = read.GetAwaiter().GetResult();
        connection.OnRead(result.Buffer);
        return result;
    }
}
