/// <summary>What the pages' applications have of their own.</summary>
internal sealed class Journal
{
    internal void Rotate()
    {
    }

    internal Task RotateAsync(CancellationToken cancellationToken) => Task.FromCanceled(cancellationToken);
}
