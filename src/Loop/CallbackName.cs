namespace UnixLoop;

/// <summary>Names a callback for a log line.</summary>
internal static class CallbackName
{
    internal static string Of(object callback) => callback switch
    {
        Delegate target => $"{target.Method.DeclaringType?.FullName ?? "?"}.{target.Method.Name}",
        Scheduling.Invocation invocation => Of(invocation.Target),
        _ => callback.ToString() ?? callback.GetType().Name,
    };
}
