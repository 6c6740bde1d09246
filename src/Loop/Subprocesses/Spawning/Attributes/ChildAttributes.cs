namespace UnixLoop.Subprocesses;

/// <summary>The attributes of one start, looked up and opened. Disposing closes the control group, unless the child has taken it.</summary>
internal sealed class ChildAttributes : IDisposable
{
    private ChildCgroup? _cgroup;

    private ChildAttributes(SubprocessAttributes wanted, ChildCredentials credentials, ChildCgroup? cgroup)
    {
        Wanted = wanted;
        Credentials = credentials;
        _cgroup = cgroup;
    }

    internal SubprocessAttributes Wanted { get; }

    internal ChildCredentials Credentials { get; }

    internal ChildCgroup? Cgroup => _cgroup;

    /// <exception cref="SubprocessStartException">A name is unknown, or the control group can't be opened.</exception>
    internal static ChildAttributes Resolve(SubprocessStartInfo info, SubprocessAttributes attributes)
    {
        ChildCredentials credentials = ChildCredentials.Resolve(info, attributes);
        return new ChildAttributes(attributes, credentials, attributes.Cgroup is string path ? ChildCgroup.Open(info, path) : null);
    }

    /// <summary>The control group if it is the child's own: from here on the receiver's to dispose.</summary>
    internal ChildCgroup? TakeOwnCgroup()
    {
        if (_cgroup is not { WasEmpty: true } own)
            return null;
        _cgroup = null;
        return own;
    }

    public void Dispose() => _cgroup?.Dispose();
}
