namespace UnixLoop.Children;

/// <summary>A handler of a child that nobody waits for: no warning is due when its watcher or its loop ends before it.</summary>
internal interface ILeftAlone
{
    bool IsLeftAlone { get; }
}
