namespace UnixLoop.AotSmoke;

internal static class Check
{
    internal static void That(bool condition, string expectation)
    {
        if (!condition)
            throw new InvalidOperationException($"not so: {expectation}");
    }
}
