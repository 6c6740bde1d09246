using System.Runtime.InteropServices;
using UnixLoop.Interop;

namespace UnixLoop.Signals;

// A signal's disposition belongs to the process, a handler to a loop. The hub stands in between:
//
// - One PosixSignalRegistration a signal, however many loops want it. The first subscriber installs it; the entry gets into the
//   table only once that has succeeded. The last one to go disposes it, which restores the default.
// - The runtime's own handler writes the number to a pipe that its thread ".NET SigHandler" reads; from there OnSignal is called
//   on a pool thread, or on a fresh thread for INT, QUIT and TERM. Two deliveries may run at once, and in any order.
// - Cancel is always set: without it the runtime takes the default action after the callbacks, which for most signals ends the
//   process. It concerns our registration alone; others (ConsoleLifetime's) still get theirs.
// - The hub's references keep the registrations alive: one that is collected disposes itself.
// - What was ignored when the process began stays ignored (nohup(1)): the runtime then counts the registration but installs
//   nothing, and Add says so.
//
// Not promised: a signal that was raised but not yet read from the pipe when the last subscriber goes meets the default.
internal sealed class SignalHub
{
    internal static SignalHub Shared { get; } = CreateShared();

    private readonly Func<UnixSignal, Action<PosixSignalContext>, IDisposable> _install;

    /// <summary>Guards the table and the order of installing and disposing; no delivery takes it.</summary>
    private readonly Lock _gate = new();

    private readonly Entry?[] _entries = new Entry?[UnixSignal.Max + 1];

    private readonly List<IDisposable> _leftAlone = [];

    private bool _processExits;

    internal SignalHub(Func<UnixSignal, Action<PosixSignalContext>, IDisposable> install)
        => _install = install;

    private static SignalHub CreateShared()
    {
        // The number as it is: PosixSignal's own names are negative.
        var hub = new SignalHub(static (signal, onSignal) => PosixSignalRegistration.Create((PosixSignal)signal.Number, onSignal));
        AppDomain.CurrentDomain.ProcessExit += (_, _) => hub.BeginProcessExit();
        return hub;
    }

    /// <summary>From now on dispositions are left alone: a second SIGTERM during the exit must not meet a default that we restored.</summary>
    internal void BeginProcessExit()
    {
        lock (_gate)
            _processExits = true;
    }

    /// <summary>Whether somebody subscribes to <paramref name="signal"/>.</summary>
    internal bool IsInstalled(UnixSignal signal)
    {
        lock (_gate)
            return _entries[signal.Number] is { Subscribers.Length: > 0 };
    }

    /// <returns>False if the process ignores the signal, so that no delivery can come.</returns>
    /// <exception cref="InvalidOperationException">SIGCHLD, which the runtime has taken over while it was ignored.</exception>
    /// <exception cref="IOException">The system refused.</exception>
    internal bool Add(ISignalSubscriber subscriber)
    {
        UnixSignal signal = subscriber.Signal;
        lock (_gate)
        {
            if (_entries[signal.Number] is { } installed)
                installed.Subscribers = [.. installed.Subscribers, subscriber];
            else
                _entries[signal.Number] = Install(signal, subscriber);
            return !Has(signal, Libc.IgnoredDisposition);
        }
    }

    /// <summary>The subscriber is told nothing more, except by a delivery that is under way.</summary>
    /// <returns>False if outside code has put a handler of its own in the place of the runtime's; that one is left alone.</returns>
    internal bool Remove(ISignalSubscriber subscriber)
    {
        int number = subscriber.Signal.Number;
        lock (_gate)
        {
            if (_entries[number] is not { } entry)
                return true;
            entry.Subscribers = [.. entry.Subscribers.Where(other => !ReferenceEquals(other, subscriber))];
            if (entry.Subscribers.Length > 0 || _processExits)
                return true;
            _entries[number] = null;
            if (Libc.GetSignalDisposition(number) is { IsSuccess: true } now && now.Value != entry.Disposition)
            {
                // Disposing it, or collecting it, would restore the default over the other's.
                _leftAlone.Add(entry.Registration!);
                return false;
            }
            entry.Registration!.Dispose();
            return true;
        }
    }

    private Entry Install(UnixSignal signal, ISignalSubscriber first)
    {
        if (SignalRefusals.IsChild(signal))
            ResetIfIgnored(signal);
        // Before the registration, which may deliver at once.
        var entry = new Entry { Subscribers = [first] };
        try
        {
            entry.Registration = _install(signal, entry.OnSignal);
        }
        catch (Exception e) when (e is IOException or PlatformNotSupportedException)
        {
            throw new IOException($"No handler for {signal} could be installed: {e.Message}", e);
        }
        if (SignalRefusals.IsChild(signal) && Has(signal, Libc.DefaultDisposition))
        {
            entry.Registration.Dispose();
            throw new InvalidOperationException(SignalRefusals.IgnoredBeforeTheRuntime);
        }
        entry.Disposition = Libc.GetSignalDisposition(signal.Number).Value;
        return entry;
    }

    /// <summary>An ignored SIGCHLD makes children vanish without a status (waitpid(2)), so whoever handles it wants it reset.</summary>
    private static void ResetIfIgnored(UnixSignal signal)
    {
        if (Has(signal, Libc.IgnoredDisposition))
            PosixError.ThrowIfError(Libc.ResetSignalDisposition(signal.Number), $"reset {signal} from ignored to its default");
    }

    private static bool Has(UnixSignal signal, nint disposition) =>
        Libc.GetSignalDisposition(signal.Number) is { IsSuccess: true } found && found.Value == disposition;

    private sealed class Entry
    {
        /// <summary>Replaced as a whole, under the gate; read by deliveries without it.</summary>
        internal volatile ISignalSubscriber[] Subscribers = [];

        internal IDisposable? Registration;

        /// <summary>The runtime's handler, or what it left as it was.</summary>
        internal nint Disposition;

        internal void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;
            foreach (ISignalSubscriber subscriber in Subscribers)
                subscriber.Deliver();
        }
    }
}
