using System.Diagnostics.CodeAnalysis;

namespace UnixLoop.Transports.UnixSockets;

/// <summary>Knows the addresses of recent senders, so that a datagram of one who has written before makes no new object. Not thread-safe.</summary>
internal sealed class SenderNames
{
    /// <summary>Then all are forgotten: a peer that takes a new name for each datagram must not fill our memory.</summary>
    private const int MostNames = 256;

    private readonly Dictionary<UnixSocketAddress, UnixSocketAddress> _known;
    private readonly Dictionary<UnixSocketAddress, UnixSocketAddress>.AlternateLookup<ReadOnlySpan<byte>> _lookup;

    internal SenderNames()
    {
        _known = new Dictionary<UnixSocketAddress, UnixSocketAddress>(new ByNativeName());
        _lookup = _known.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <summary>The address that recvmsg(2) has written as a struct sockaddr.</summary>
    internal UnixSocketAddress Find(ReadOnlySpan<byte> native)
    {
        if (native.Length <= NativeAddress.NameOffset)
            return UnixSocketAddress.Unnamed;
        ReadOnlySpan<byte> name = native[NativeAddress.NameOffset..];
        if (_lookup.TryGetValue(name, out UnixSocketAddress? known))
            return known;
        if (_known.Count == MostNames)
            _known.Clear();
        var address = UnixSocketAddress.FromNative(name);
        _known.Add(address, address);
        return address;
    }

    /// <summary>A path ends at its NUL, an abstract name has one before it.</summary>
    private sealed class ByNativeName : IEqualityComparer<UnixSocketAddress>, IAlternateEqualityComparer<ReadOnlySpan<byte>, UnixSocketAddress>
    {
        public bool Equals(UnixSocketAddress? x, UnixSocketAddress? y) => x is null ? y is null : x.Equals(y);

        public int GetHashCode([DisallowNull] UnixSocketAddress obj) => Hash(obj.Bytes);

        public bool Equals(ReadOnlySpan<byte> alternate, UnixSocketAddress other) =>
            other.IsAbstract == IsAbstract(alternate) && Name(alternate).SequenceEqual(other.Bytes);

        public int GetHashCode(ReadOnlySpan<byte> alternate) => Hash(Name(alternate));

        public UnixSocketAddress Create(ReadOnlySpan<byte> alternate) => UnixSocketAddress.FromNative(alternate);

        private static bool IsAbstract(ReadOnlySpan<byte> native) => native is [0, ..];

        private static ReadOnlySpan<byte> Name(ReadOnlySpan<byte> native)
        {
            if (IsAbstract(native))
                return native[1..];
            int end = native.IndexOf((byte)0);
            return end < 0 ? native : native[..end];
        }

        private static int Hash(ReadOnlySpan<byte> name)
        {
            HashCode hash = default;
            hash.AddBytes(name);
            return hash.ToHashCode();
        }
    }
}
