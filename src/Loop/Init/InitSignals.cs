using UnixLoop.Interop;
using UnixLoop.Signals;

namespace UnixLoop.Init;

/// <summary>Which signals an init takes, and how it passes one on to its child. Passing on allocates nothing.</summary>
internal sealed class InitSignals
{
    /// <summary>What the child gets for each number; 0 for nothing.</summary>
    private readonly int[] _passedAs = new int[UnixSignal.Max + 1];

    private readonly bool _toGroup;

    internal InitSignals(UnixInitOptions options)
    {
        _toGroup = options.SignalGroup;
        for (int number = 1; number <= UnixSignal.Max; number++)
        {
            UnixSignal signal = new(number);
            // A signal that is blocked becomes pending even if it is ignored (signal(7)).
            if (WhyNotPassedOn(signal) is null && (StartupSignals.Ignored & Bit(number)) == 0)
                _passedAs[number] = options.SignalMap.TryGetValue(signal, out UnixSignal other) ? other.Number : number;
        }
    }

    /// <summary>
    /// All that a program can handle, with the three that are not passed on: SIGCHLD tells of our children, and the terminal's two stop, where they
    /// are not blocked, whoever touches it from the background, as we are (tcsetpgrp(3)). Bit n-1 stands for signal n.
    /// </summary>
    internal static ulong Taken { get; } = Enumerable.Range(1, UnixSignal.Max)
        .Where(number => SignalRefusals.ReasonFor(new UnixSignal(number)) is null).Aggregate(0UL, (set, number) => set | Bit(number));

    /// <summary>Why no init passes <paramref name="signal"/> on; null if it does.</summary>
    internal static string? WhyNotPassedOn(UnixSignal signal) =>
        signal == UnixSignal.Chld ? "it tells the init of its own children"
        : signal == UnixSignal.Ttin || signal == UnixSignal.Ttou ? "it is for those in the background of a terminal, as the init is"
        : SignalRefusals.ReasonFor(signal);

    /// <param name="signal">One of <see cref="Taken"/>.</param>
    /// <param name="child">Not reaped yet: the number is its own, and no other group has it.</param>
    internal void PassOn(int signal, int child)
    {
        int number = _passedAs[signal];
        if (number == 0)
            return;
        if (_toGroup)
            _ = Libc.Kill(-child, number);
        // A child that has left the group that it was started in is not reached there.
        if (!_toGroup || Libc.ProcessGroupOf(child) is not { IsSuccess: true } group || group.IntValue != child)
            _ = Libc.Kill(child, number);
    }

    private static ulong Bit(int number) => 1UL << (number - 1);
}
