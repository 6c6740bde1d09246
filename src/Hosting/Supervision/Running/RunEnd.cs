namespace UnixLoop.Hosting.Supervision;

/// <summary>How a run ended: with the status of its child, with the error of its start, or cancelled before there was a child.</summary>
internal sealed record RunEnd(int? ProcessId, ChildExitStatus? Status, Exception? Error)
{
    internal static RunEnd Cancelled { get; } = new(null, null, null);

    internal bool IsCancelled => Status is null && Error is null;

    internal bool IsSuccess => Status is { IsSuccess: true };
}
