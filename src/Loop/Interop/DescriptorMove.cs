namespace UnixLoop.Interop;

/// <summary>One wish for the child: its descriptor <paramref name="Target"/> is our descriptor <paramref name="Source"/>.</summary>
/// <param name="Target">The number in the child.</param>
/// <param name="Source">The number in our process, or <see cref="Closed"/>.</param>
internal readonly record struct DescriptorMove(int Target, int Source)
{
    /// <summary>The child has nothing at that number.</summary>
    internal const int Closed = -1;
}
