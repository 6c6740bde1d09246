using UnixLoop.Init;
using UnixLoop.Signals;

namespace UnixLoop;

/// <summary>How an init treats its child.</summary>
public sealed class UnixInitOptions
{
    /// <summary>Whether signals go to the child's process group and not to the child alone (tini: <c>-g</c>).</summary>
    /// <value>Default false.</value>
    public bool SignalGroup { get; set; }

    /// <summary>Whether a process that is not PID 1 adopts the orphans among its descendants (tini: <c>-s</c>; prctl(2), PR_SET_CHILD_SUBREAPER).</summary>
    /// <value>Default false.</value>
    public bool Subreaper { get; set; }

    /// <summary>Signals that the child gets in another's place, such as QUIT for TERM (dumb-init: <c>--rewrite</c>). What an init does not pass on can't be mapped.</summary>
    /// <value>Default empty: each as it came.</value>
    public IDictionary<UnixSignal, UnixSignal> SignalMap { get; } = new Dictionary<UnixSignal, UnixSignal>();

    /// <exception cref="ArgumentException"><see cref="SignalMap"/> names a signal that is not passed on, or no signal.</exception>
    internal void ThrowIfInvalid()
    {
        foreach ((UnixSignal came, UnixSignal goes) in SignalMap)
        {
            string? reason = InitSignals.WhyNotPassedOn(came) ?? (goes == default ? SignalRefusals.ReasonFor(goes) : null);
            if (reason is not null)
                throw new ArgumentException($"{nameof(SignalMap)}: {came} can't become {goes}: {reason}.");
        }
    }
}
