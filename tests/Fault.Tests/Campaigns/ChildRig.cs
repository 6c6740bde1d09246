using System.IO.Pipelines;
using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>A running loop with a watcher and a factory, and what every child of a faulted run is held to.</summary>
internal sealed class ChildRig
{
    private readonly Rig _rig;

    private ChildRig(Rig rig, UnixEventLoop loop, IChildWatcher watcher)
    {
        _rig = rig;
        Loop = loop;
        Watcher = watcher;
        Factory = new SubprocessFactory(loop, watcher);
    }

    internal UnixEventLoop Loop { get; }

    internal IChildWatcher Watcher { get; }

    internal SubprocessFactory Factory { get; }

    internal static async Task<ChildRig> StartAsync(Rig rig, WatcherKind kind)
    {
        UnixEventLoop loop = await rig.StartLoopAsync();
        IChildWatcher watcher = kind switch
        {
            WatcherKind.Pidfd => new PidfdChildWatcher(),
            WatcherKind.Safe => new SafeChildWatcher(),
            WatcherKind.Fast => new FastChildWatcher(),
            WatcherKind.MultiLoop => new MultiLoopChildWatcher(),
            _ => new ThreadedChildWatcher(),
        };
        watcher.Attach(loop);
        var children = new ChildRig(rig, loop, watcher);
        rig.AtEnd(children.CloseAsync);
        return children;
    }

    /// <summary>Starts a child; a start that fails has one type of error.</summary>
    internal async Task<ISubprocess> StartAsync(SubprocessStartInfo info)
    {
        try
        {
            return await Factory.StartAsync(info);
        }
        catch (IOException error) when (error is not SubprocessStartException)
        {
            _rig.Expect(false, $"a start that fails throws SubprocessStartException: {error}");
            throw;
        }
    }

    /// <summary>The child ended with <paramref name="code"/>, or by the fault.</summary>
    internal void ExpectExit(ChildExitStatus exit, int code) =>
        _rig.Expect(exit.ExitCode == code || IsByFault(exit), $"the child exits with code {code}: {exit}");

    /// <summary>A signal ended the child: one of ours.</summary>
    internal void ExpectStopped(ChildExitStatus exit) =>
        _rig.Expect(exit.Signal == UnixSignal.Term || exit.Signal == UnixSignal.Kill || IsByFault(exit), $"the child ends by our signal: {exit}");

    /// <summary>What came is what was written; less of it only if the child was killed, or if an event told that input was lost.</summary>
    internal void ExpectBytes(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected, string what) =>
        _rig.Expect(
            actual.SequenceEqual(expected) || _rig.ChildMayDie && expected.StartsWith(actual) || _rig.Log.Comes("PipeWriteFailed"),
            $"{what} is delivered in full, or its loss is told: {actual.Length} of {expected.Length} bytes");

    internal static async Task<byte[]> ReadToEndAsync(PipeReader reader)
    {
        var bytes = new MemoryStream();
        await reader.CopyToAsync(bytes);
        await reader.CompleteAsync();
        return bytes.ToArray();
    }

    /// <summary>The fault ended the child.</summary>
    internal bool IsByFault(ChildExitStatus exit) =>
        _rig.ChildMayDie && exit.Signal == UnixSignal.Kill
        || _rig.Fault is { Kind: FaultKind.ChildStolen } && exit.Kind == ChildExitKind.ReapedElsewhere;

    private async Task CloseAsync()
    {
        await Factory.DisposeAsync();
        if (_rig.SignalsMayBeForbidden)
        {
            // A child that we may not signal lives on, watched; the library has to say so, and to reap it when it ends.
            OwnChildren.KillAll();
        }
        Watcher.Dispose();
    }
}
