namespace UnixLoop.Process.Tests.Architecture;

internal static class Findings
{
    /// <summary>Fails with every finding on a line of its own: Assert.Empty shows the first few only.</summary>
    internal static void AreNone<T>(IEnumerable<T> findings)
    {
        T[] all = [.. findings];
        Assert.True(all.Length == 0, $"{all.Length} found:\n{string.Join("\n", all)}");
    }
}
