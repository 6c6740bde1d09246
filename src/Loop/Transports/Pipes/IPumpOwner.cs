namespace UnixLoop.Transports.Pipes;

/// <summary>Whom a pump serves.</summary>
internal interface IPumpOwner
{
    /// <summary>Names the pump's descriptor in messages: "standard output of 'cat' (pid 4711)".</summary>
    string Describe(IPump pump);

    /// <summary>The pump has ended and closed its descriptor. Called exactly once, on any thread, without a lock.</summary>
    void OnEnded(IPump pump);
}
