using UnixLoop.Fault.Tests.Injection;

namespace UnixLoop.Fault.Tests.Campaigns;

/// <summary>A use of the library that a campaign repeats, each time with another fault.</summary>
internal abstract class Scenario
{
    internal abstract string Name { get; }

    /// <summary>Whether child processes run in it: then each of them may also die at any call.</summary>
    internal virtual bool HasChild => false;

    /// <summary>Whether <paramref name="function"/> can meet <paramref name="errno"/> with the descriptors that are used here.</summary>
    internal virtual bool CanHappen(string function, int errno) => true;

    /// <summary>
    /// Uses the library and checks what comes back. What the library throws is let out; a failed expectation is reported
    /// through <see cref="Rig.Expect"/> or an assertion.
    /// </summary>
    internal abstract Task RunAsync(Rig rig);

    /// <summary>Whether <paramref name="exception"/> is an error that the API documents for <paramref name="fault"/>, besides those that name the errno.</summary>
    internal virtual bool Documents(Exception exception, InjectedFault fault) => false;
}
