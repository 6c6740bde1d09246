using System.Runtime.InteropServices;
using UnixLoop.Interop;
using UnixLoop.Signals;
using static Tmds.Linux.LibC;

namespace UnixLoop.Init;

/// <summary>Passes each signal of PID 1 on to the app, once; those that come before there is an app, when there is one.</summary>
internal sealed class InitSignals
{
    private readonly Lock _gate = new();
    private readonly List<int> _early = [];

    // PID 1 lives until the end of the container: they are never disposed.
    private readonly List<PosixSignalRegistration> _registrations = [];

    /// <summary>0 before there is one, -1 once it has ended.</summary>
    private int _child;

    private readonly bool _toGroup;
    private readonly Dictionary<int, int> _map;

    internal InitSignals(UnixInitOptions options)
    {
        _toGroup = options.SignalGroup;
        _map = options.SignalMap.ToDictionary(pair => pair.Key.Number, pair => pair.Value.Number);
        for (int number = 1; number <= Libc.SigRtMax; number++)
        {
            // The terminal's two are for those in the background, as we will be.
            if (SignalRefusals.ReasonFor(new UnixSignal(number)) is null && number != SIGCHLD && number != SIGTTIN && number != SIGTTOU)
                TryRegister(number);
        }
    }

    internal void BeginPassingOn(int child)
    {
        lock (_gate)
        {
            _child = child;
            _early.ForEach(Send);
        }
    }

    /// <summary>Before the child is reaped, and its number free for another process.</summary>
    internal void EndPassingOn()
    {
        lock (_gate)
            _child = -1;
    }

    private void TryRegister(int number)
    {
        try
        {
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)number, context =>
            {
                context.Cancel = true;
                PassOn(number);
            }));
        }
        catch (Exception e) when (e is IOException or PlatformNotSupportedException)
        {
            // The system has no such signal to handle.
        }
    }

    private void PassOn(int number)
    {
        lock (_gate)
        {
            if (_child == 0)
                _early.Add(number);
            else if (_child > 0)
                Send(number);
        }
    }

    /// <summary>The group lives as long as the child is not reaped: its zombie keeps the number.</summary>
    private void Send(int number) => _ = Libc.Kill(_toGroup ? -_child : _child, _map.GetValueOrDefault(number, number));
}
