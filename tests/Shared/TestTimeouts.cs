namespace UnixLoop.TestSupport;

internal static class TestTimeouts
{
    /// <summary>The bound of every await in the tests: long enough for a loaded machine, so that it only ends what hangs.</summary>
    internal static readonly TimeSpan TestTimeout = TimeSpan.FromSeconds(30);
}
