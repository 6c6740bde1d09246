using UnixLoop.Transports;

namespace UnixLoop.Pages;

internal static class SendFilePage
{
    internal static async Task<long> FileAsync(UnixStreamConnection connection, string path, byte[] header, byte[] trailer)
    {
        await using FileStream page = File.OpenRead(path);
        await connection.Output.WriteAsync(header);
        long sent = await connection.SendFileAsync(page);
        await connection.Output.WriteAsync(trailer);
        return sent;
    }

    internal static async Task SpliceAsync(ISubprocess child, UnixStreamConnection connection, CancellationToken cancellationToken)
    {
        await child.Output.CopyToAsync(connection.Output, cancellationToken);
        await connection.Output.CompleteAsync(); // the half-close, by choice
    }

    internal static async Task SpliceBackAsync(ISubprocess child, UnixStreamConnection connection, CancellationToken cancellationToken)
    {
        await connection.Input.CopyToAsync(child.Input, cancellationToken);
        await child.Input.CompleteAsync(); // the child reads its end
    }
}
