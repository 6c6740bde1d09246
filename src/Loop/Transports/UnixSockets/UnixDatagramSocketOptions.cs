using UnixLoop.Interop;

namespace UnixLoop.Transports;

/// <summary>How a <see cref="UnixDatagramSocket"/> is made. Read once, when it is.</summary>
public sealed class UnixDatagramSocketOptions
{
    /// <summary>The permissions of the bound socket's file: who may write it may send. Set without a moment in which it is wider.</summary>
    /// <remarks>
    /// With <see cref="Mode"/>, <see cref="Owner"/> or <see cref="Group"/> the socket is bound in a private directory and then moved
    /// to its place. The kernel goes on calling it what it was called there, so peers can send to the address as ever, but can't
    /// answer to the sender's name of what this socket sends. Those who need answers leave all three null.
    /// </remarks>
    /// <value>Default null: 0777 less the umask (bind(2)).</value>
    public UnixFileMode? Mode { get; set; }

    /// <summary>Name or number of the user that the file is given to. Digits alone are a number.</summary>
    /// <value>Default null: ours.</value>
    public string? Owner { get; set; }

    /// <summary>Name or number of the group that the file is given to. Digits alone are a number.</summary>
    /// <value>Default null: ours, or the directory's, as the file system does it.</value>
    public string? Group { get; set; }

    /// <summary>How many descriptors are taken from one datagram (unix(7), SCM_RIGHTS); what comes beyond that is closed, and told.</summary>
    /// <value>0 to 253; default 0: the kernel closes what peers send.</value>
    public int MaxDescriptors { get; set; }

    /// <summary>Whether code that awaits a receive or send continues on the loop's thread, and so must not block; else on the thread pool.</summary>
    /// <value>Default false.</value>
    public bool ContinueOnLoop { get; set; }

    internal void Validate()
    {
        if (MaxDescriptors is < 0 or > Libc.MaxDescriptorsPerMessage)
            throw new ArgumentOutOfRangeException(nameof(MaxDescriptors), MaxDescriptors, $"One message carries 0 to {Libc.MaxDescriptorsPerMessage} descriptors (SCM_MAX_FD, unix(7)).");
        if (Mode is { } mode && ((int)mode & ~0b111_111_111) != 0)
            throw new ArgumentOutOfRangeException(nameof(Mode), mode, "The mode of a socket has the nine permission bits alone.");
    }
}
