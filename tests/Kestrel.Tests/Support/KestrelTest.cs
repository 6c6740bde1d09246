namespace UnixLoop.Kestrel.Tests.Support;

/// <summary>Nothing is left behind: no descriptor, no child.</summary>
public abstract class KestrelTest : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public virtual void Dispose()
    {
        _leaks.Dispose();
        GC.SuppressFinalize(this);
    }
}
