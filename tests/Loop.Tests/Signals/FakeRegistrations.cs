using System.Runtime.InteropServices;
using UnixLoop.Signals;

namespace UnixLoop.Loop.Tests.Signals;

/// <summary>Stands in for the runtime's registrations: a test raises signals by hand and sees what is installed.</summary>
internal sealed class FakeRegistrations
{
    private readonly Dictionary<UnixSignal, Action<PosixSignalContext>> _installed = [];

    internal FakeRegistrations() => Hub = new SignalHub(Install);

    internal SignalHub Hub { get; }

    /// <summary>Thrown by the next installation.</summary>
    internal Exception? Failure { get; set; }

    /// <summary>Runs inside each installation, after it has succeeded.</summary>
    internal Action<Action<PosixSignalContext>>? OnInstalled { get; set; }

    internal int Installations { get; private set; }

    internal int Disposals { get; private set; }

    /// <summary>Delivers <paramref name="signal"/>; false where the default action would follow.</summary>
    internal bool Raise(UnixSignal signal) =>
        _installed.TryGetValue(signal, out Action<PosixSignalContext>? onSignal) && Raise(onSignal);

    internal static bool Raise(Action<PosixSignalContext> onSignal)
    {
        var context = new PosixSignalContext(PosixSignal.SIGTERM);
        onSignal(context);
        return context.Cancel;
    }

    /// <summary>As the runtime would call a registration that it took from its table before the disposal.</summary>
    internal Action<PosixSignalContext> CallbackOf(UnixSignal signal) => _installed[signal];

    private Registration Install(UnixSignal signal, Action<PosixSignalContext> onSignal)
    {
        Installations++;
        if (Failure is { } failure)
        {
            Failure = null;
            throw failure;
        }
        _installed.Add(signal, onSignal);
        OnInstalled?.Invoke(onSignal);
        return new Registration(this, signal);
    }

    private sealed class Registration(FakeRegistrations owner, UnixSignal signal) : IDisposable
    {
        public void Dispose()
        {
            Assert.True(owner._installed.Remove(signal), $"{signal} disposed twice");
            owner.Disposals++;
        }
    }
}
