using UnixLoop.Transports;

namespace UnixLoop.Pages;

internal static class PipesPage
{
    internal static async Task LinesAsync(IUnixEventLoop loop, Action<string> Handle, CancellationToken cancellationToken)
    {
        // A program's input, one line after the other, until it ends or somebody cancels.
        await using ReadPipe input = ReadPipe.OpenStandardInput(loop);
        using StreamReader lines = new(input.Input.AsStream());
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
            Handle(line);
    }
}
