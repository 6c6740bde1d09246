using UnixLoop.Loop.Tests.UnixSockets.Listening;
using UnixLoop.Transports;

namespace UnixLoop.Loop.Tests.UnixSockets.Peers;

/// <summary>A listener that serves until it is disposed, and programs run by the library's own factory.</summary>
public abstract class PeerProgramTest : ListenerTest
{
    private readonly PidfdChildWatcher _watcher = new();
    private readonly List<Task> _serving = [];
    private SubprocessFactory _factory = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _watcher.Attach(Loop);
        _factory = new SubprocessFactory(Loop, _watcher);
    }

    protected async Task<UnixStreamListener> ServeAsync(string path, Func<UnixStreamConnection, Task> serve)
    {
        UnixStreamListener listener = await BindAsync(path);
        _serving.Add(AcceptAllAsync(listener, serve));
        return listener;
    }

    protected async Task<SubprocessResult> RunAsync(string file, string[] arguments, byte[]? input = null)
    {
        SubprocessStartInfo info = new(file, arguments);
        SubprocessRunOptions options = new() { Input = SubprocessInput.FromBytes(input) };
        SubprocessResult result = await _factory.RunAsync(info, options).WaitAsync(TestTimeout);
        Assert.True(result.Exit.IsSuccess, $"{file}: {result.Exit}: {result.Error}");
        return result;
    }

    protected async Task<ISubprocess> StartAsync(string file, params string[] arguments) =>
        await _factory.StartAsync(new SubprocessStartInfo(file, arguments)).AsTask().WaitAsync(TestTimeout);

    protected static async Task EchoAsync(UnixStreamConnection connection)
    {
        await connection.Input.CopyToAsync(connection.Output);
        await connection.Output.CompleteAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        // Whatever failed in serving fails the test.
        await Task.WhenAll(_serving).WaitAsync(TestTimeout);
        await _factory.DisposeAsync().AsTask().WaitAsync(TestTimeout);
        _watcher.Dispose();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private static async Task AcceptAllAsync(UnixStreamListener listener, Func<UnixStreamConnection, Task> serve)
    {
        List<Task> connections = [];
        while (await listener.AcceptAsync() is { } connection)
            connections.Add(ServeOneAsync(connection, serve));
        await Task.WhenAll(connections);
    }

    private static async Task ServeOneAsync(UnixStreamConnection connection, Func<UnixStreamConnection, Task> serve)
    {
        await using (connection)
        {
            try
            {
                await serve(connection);
            }
            catch (ObjectDisposedException)
            {
                // The test has what it wanted, and has disposed of its listener.
            }
        }
    }
}
