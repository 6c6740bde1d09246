using UnixLoop.Transports.Pipes;

namespace UnixLoop.Loop.Tests.Pipes;

/// <summary>Counts how often a pump tells of its end.</summary>
internal sealed class PipeOwner : IPumpOwner
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _endings;

    internal Task Ended => _ended.Task.WaitAsync(TestTimeout);

    internal int Endings => Volatile.Read(ref _endings);

    public string Describe(IPump pump) => "the test's pipe";

    public void OnEnded(IPump pump)
    {
        Interlocked.Increment(ref _endings);
        _ended.TrySetResult();
    }
}
