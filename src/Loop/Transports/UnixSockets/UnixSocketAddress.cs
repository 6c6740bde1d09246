using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using UnixLoop.Transports.UnixSockets;

namespace UnixLoop.Transports;

/// <summary>
/// Where a Unix socket is (unix(7)): a path, of any bytes but NUL, or a name in the abstract namespace, or nothing ("unnamed").
/// Immutable; two addresses are equal if they are of one kind and have the same bytes.
/// </summary>
[DebuggerDisplay("{ToString(),nq}")]
public sealed class UnixSocketAddress : IEquatable<UnixSocketAddress>
{
    /// <summary>sizeof(sun_path). A path needs room for its NUL there, an abstract name for the NUL before it.</summary>
    internal const int NameRoom = 108;

    /// <summary>PATH_MAX (limits.h), with the NUL.</summary>
    private const int MaxPath = 4096;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly byte[] _bytes;

    private UnixSocketAddress(byte[] bytes, bool isAbstract)
    {
        _bytes = bytes;
        IsAbstract = isAbstract;
    }

    /// <summary>Of a socket that was never bound, as a client's is.</summary>
    internal static UnixSocketAddress Unnamed { get; } = new([], isAbstract: false);

    /// <summary>A path in the file system, as UTF-8; relative ones count from the working directory.</summary>
    /// <param name="path">Not empty, without NUL, at most 4,095 bytes. Over 107 bytes it is bound and connected to through a descriptor of its directory, which needs /proc.</param>
    /// <exception cref="ArgumentException">The path is empty, has a NUL or half a surrogate pair, or is too long; the message names it.</exception>
    public static UnixSocketAddress FromPath(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return FromPath(ToBytes(path, nameof(path)));
    }

    /// <summary>A path of raw bytes (asyncio: a path as <c>bytes</c>).</summary>
    /// <inheritdoc cref="FromPath(string)" path="/param|/exception"/>
    public static UnixSocketAddress FromPath(ReadOnlySpan<byte> path)
    {
        var address = new UnixSocketAddress(path.ToArray(), isAbstract: false);
        if (path.IsEmpty)
            throw new ArgumentException("The path is empty.", nameof(path));
        if (path.Contains((byte)0))
            throw new ArgumentException($"The path '{address}' has a NUL in it; a name in the abstract namespace is made by {nameof(FromAbstractName)}.", nameof(path));
        if (path.Length >= MaxPath)
            throw new ArgumentException($"The path has {path.Length} bytes; Linux takes at most {MaxPath - 1}: '{address}'.", nameof(path));
        return address;
    }

    /// <summary>A name in the abstract namespace, as UTF-8: no file, gone with its last socket, and without any permissions.</summary>
    /// <param name="name">Without the NUL that marks such names; 1 to 107 bytes.</param>
    /// <exception cref="ArgumentException">The name is empty or too long, or has half a surrogate pair; the message names it.</exception>
    public static UnixSocketAddress FromAbstractName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return FromAbstractName(ToBytes(name, nameof(name)));
    }

    /// <summary>An abstract name of raw bytes, which may have NULs in it.</summary>
    /// <inheritdoc cref="FromAbstractName(string)" path="/param|/exception"/>
    public static UnixSocketAddress FromAbstractName(ReadOnlySpan<byte> name)
    {
        var address = new UnixSocketAddress(name.ToArray(), isAbstract: true);
        if (name.IsEmpty)
            throw new ArgumentException("The abstract name is empty.", nameof(name));
        if (name.Length >= NameRoom)
            throw new ArgumentException($"The abstract name has {name.Length} bytes; Linux takes at most {NameRoom - 1}: '{address}'.", nameof(name));
        return address;
    }

    /// <summary>The address that .NET's own sockets know as <paramref name="endPoint"/>; one that begins with NUL is an abstract name.</summary>
    /// <exception cref="ArgumentException">The end point has no name.</exception>
    public static UnixSocketAddress FromEndPoint(UnixDomainSocketEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        SocketAddress native = endPoint.Serialize();
        ReadOnlySpan<byte> name = native.Buffer.Span[NativeAddress.NameOffset..native.Size];
        if (name is [0, _, ..])
            return FromAbstractName(name[1..]);
        name = name.TrimEnd((byte)0);
        if (name.IsEmpty)
            throw new ArgumentException("The end point has no name.", nameof(endPoint));
        return FromPath(name);
    }

    /// <summary>Whether this is a name in the abstract namespace.</summary>
    public bool IsAbstract { get; }

    /// <summary>Whether this is no name at all: that of a socket which was never bound, as a client's.</summary>
    public bool IsUnnamed => !IsAbstract && _bytes.Length == 0;

    /// <summary>The path, decoded as UTF-8, in which invalid bytes are lost (<see cref="Bytes"/> has them); null for an abstract name and the unnamed address.</summary>
    public string? Path => IsAbstract || IsUnnamed ? null : Encoding.UTF8.GetString(_bytes);

    /// <summary>The path, or the abstract name without its leading NUL.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Different texts must not become one name.</summary>
    private static byte[] ToBytes(string text, string parameter)
    {
        try
        {
            return s_strict.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"'{EscapedName.Of(Encoding.UTF8.GetBytes(text))}' has half a surrogate pair at index {e.Index}, which UTF-8 can't express.", parameter, e);
        }
    }

    /// <summary>What the kernel calls this address: takes what getsockname(2) and the like have written.</summary>
    internal static UnixSocketAddress FromNative(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty)
            return Unnamed;
        if (name[0] == 0)
            return new UnixSocketAddress(name[1..].ToArray(), isAbstract: true);
        int end = name.IndexOf((byte)0);
        return new UnixSocketAddress((end < 0 ? name : name[..end]).ToArray(), isAbstract: false);
    }

    /// <inheritdoc/>
    public bool Equals(UnixSocketAddress? other) =>
        other is not null && IsAbstract == other.IsAbstract && _bytes.AsSpan().SequenceEqual(other._bytes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as UnixSocketAddress);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        hash.Add(IsAbstract);
        hash.AddBytes(_bytes);
        return hash.ToHashCode();
    }

    /// <summary>"/run/app.sock", "@name" for an abstract name, "(unnamed)"; control characters, backslashes and bytes that are not UTF-8 as \xNN.</summary>
    public override string ToString() =>
        IsUnnamed ? "(unnamed)" : (IsAbstract ? "@" : "") + EscapedName.Of(_bytes);
}
