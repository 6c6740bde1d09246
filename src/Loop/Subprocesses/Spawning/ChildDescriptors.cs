using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UnixLoop.Interop;
using static Tmds.Linux.LibC;

namespace UnixLoop.Subprocesses;

/// <summary>
/// The descriptors of one start: opens the child's ends, keeps ours, and borrows those of the caller. Disposing closes the
/// child's ends and gives back what was borrowed; our ends too, unless <see cref="KeepOurEnds"/> was called.
/// </summary>
/// <remarks>
/// An inherited stream is no move: it is there already. Moving it onto itself would be wrong where our process began without
/// it: the number then belongs to a close-on-exec descriptor of somebody else (the runtime's signal pipe, for one), and the
/// move would clear that flag. As it is, the child lacks what we lack.
/// </remarks>
internal sealed class ChildDescriptors : IDisposable
{
    private const int StreamCount = 3;

    private readonly SubprocessStartInfo _info;
    private readonly ILogger? _logger;
    // Empty where all streams are inherited and nothing else is handed over.
    private DescriptorMove[] _moves = [];
    private int[] _owned = []; // The child's ends and duplicates
    private SafeHandle[] _borrowed = [];
    private int _moveCount, _ownedCount, _borrowedCount;
    private UnixHandle? _master; // From ConnectToTerminal on the output's read end
    private bool _keepOurEnds;

    internal ChildDescriptors(SubprocessStartInfo info, ILogger? logger)
    {
        _info = info;
        _logger = logger;
    }

    /// <summary>In any order: no target is the source of another move.</summary>
    internal ReadOnlySpan<DescriptorMove> Moves => _moves.AsSpan(0, _moveCount);

    /// <summary>The highest number that the child gets; 2 at least.</summary>
    internal int HighestTarget { get; private set; } = StreamCount - 1;

    /// <summary>The child's own terminal, kept open by us; null where it gets none.</summary>
    internal UnixHandle? Terminal { get; private set; }

    /// <summary>The first of the child's streams that is its own terminal; null where it gets none.</summary>
    internal int? TerminalTarget { get; private set; }

    internal UnixHandle? InputWriteEnd { get; private set; }

    internal UnixHandle? OutputReadEnd { get; private set; }

    internal UnixHandle? ErrorReadEnd { get; private set; }

    /// <summary>Opens and borrows everything, then moves sources out of the way of targets.</summary>
    /// <exception cref="SubprocessStartException">Something could not be opened; disposing cleans up.</exception>
    internal void Open(Stdio input, Stdio output, Stdio error)
    {
        if (output.Kind == StdioKind.Pty)
            OpenTerminal(output);
        InputWriteEnd = OpenStream(0, input);
        OutputReadEnd = OpenStream(1, output);
        if (error.Kind == StdioKind.AsOutput)
            AddMove(2, output.Kind == StdioKind.Inherit ? InheritedOutput() : _moves[_moveCount - 1].Source);
        else
            ErrorReadEnd = OpenStream(2, error);

        if (_info.Descriptors.Count > 0)
        {
            foreach ((int number, SafeHandle handle) in _info.Descriptors)
                AddMove(number, Borrow(handle));
        }
        MoveSourcesAside();
    }

    /// <summary>From here on our pipe ends belong to the caller.</summary>
    internal void KeepOurEnds() => _keepOurEnds = true;

    public void Dispose()
    {
        while (_ownedCount > 0)
            _ = Libc.Close(_owned[--_ownedCount]);
        while (_borrowedCount > 0)
            _borrowed[--_borrowedCount].DangerousRelease();
        if (_keepOurEnds)
            return;
        InputWriteEnd?.Dispose();
        OutputReadEnd?.Dispose();
        ErrorReadEnd?.Dispose();
        Terminal?.Dispose();
        _master?.Dispose();
    }

    private UnixHandle? OpenStream(int target, Stdio stream)
    {
        switch (stream.Kind)
        {
            case StdioKind.Inherit:
                return null;
            case StdioKind.Pipe:
                return OpenPipe(target);
            case StdioKind.Pty:
                return ConnectToTerminal(target);
            case StdioKind.Descriptor:
                AddMove(target, Borrow(stream.Handle!));
                return null;
            default:
                PosixResult file = StreamFiles.Open(stream, forReading: target == 0);
                if (file.IsError)
                    throw StartErrors.Stream(_info, target, StreamFiles.Describe(stream), file.Errno);
                AddMove(target, Own(file.IntValue));
                return null;
        }
    }

    private UnixHandle OpenPipe(int target)
    {
        bool childReads = target == 0;
        PosixResult result = StreamFiles.OpenPipe(childReads, out int childEnd, out UnixHandle? ourEnd);
        if (result.IsError)
            throw StartErrors.Stream(_info, target, "pipe", result.Errno);
        AddMove(target, Own(childEnd));

        // Refused above the user's limits (EPERM) or while more bytes are inside (EBUSY): the pipe works as it is.
        if (_info.PipeCapacity is int capacity)
        {
            PosixResult resized = Libc.Fcntl(ourEnd!.Descriptor, F_SETPIPE_SZ, capacity);
            if (resized.IsError && _logger is not null)
                SpawnLog.PipeCapacityRefused(_logger, capacity, resized);
        }
        return ourEnd!;
    }

    private void OpenTerminal(Stdio stream)
    {
        PosixResult opened = PseudoTerminal.Open(stream.Size, out _master, out UnixHandle? terminal);
        Terminal = terminal;
        if (opened.IsError)
            throw StartErrors.Stream(_info, 1, "a new terminal", opened.Errno);
    }

    /// <summary>Each direction has a descriptor of its own, since the selector knows one registration for each.</summary>
    private UnixHandle? ConnectToTerminal(int target)
    {
        TerminalTarget ??= target;
        AddMove(target, Terminal!.Descriptor);
        if (target == 2)
            return null; // What is written there comes out where all comes out.
        if (target == 1)
            return _master;
        PosixResult copy = Libc.Fcntl(_master!.Descriptor, F_DUPFD_CLOEXEC, StreamCount);
        return copy.IsSuccess ? new UnixHandle(copy.IntValue) : throw StartErrors.Descriptor(_info, target, _master.Descriptor, copy.Errno);
    }

    /// <summary>Our standard output, as the child will inherit it.</summary>
    private static int InheritedOutput()
    {
        PosixResult flags = Libc.Fcntl(1, F_GETFD);
        return flags.IsSuccess && (flags.IntValue & FD_CLOEXEC) == 0 ? 1 : DescriptorMove.Closed;
    }

    // linux.md, rule 9: dup2 onto a target would destroy a source of the same number that a later move needs.
    private void MoveSourcesAside()
    {
        for (int i = 0; i < _moveCount; i++)
        {
            (int target, int source) = _moves[i];
            if (source > HighestTarget || !IsTargetOfAnother(source, target))
                continue;
            PosixResult copy = Libc.Fcntl(source, F_DUPFD_CLOEXEC, HighestTarget + 1);
            if (copy.IsError)
                throw StartErrors.Descriptor(_info, target, source, copy.Errno);
            _moves[i] = new DescriptorMove(target, Own(copy.IntValue));
        }
    }

    private bool IsTargetOfAnother(int number, int target)
    {
        if (number == target)
            return false;
        foreach (DescriptorMove move in Moves)
        {
            if (move.Target == number)
                return true;
        }
        return false;
    }

    private int Most => StreamCount + _info.Descriptors.Count;

    private void AddMove(int target, int source)
    {
        if (_moveCount == 0)
            _moves = new DescriptorMove[Most];
        _moves[_moveCount++] = new DescriptorMove(target, source);
        HighestTarget = Math.Max(HighestTarget, target);
    }

    private int Own(int descriptor)
    {
        if (_owned.Length == 0)
            _owned = new int[2 * Most];
        _owned[_ownedCount++] = descriptor;
        return descriptor;
    }

    private int Borrow(SafeHandle handle)
    {
        if (_borrowed.Length == 0)
            _borrowed = new SafeHandle[Most];
        bool added = false;
        handle.DangerousAddRef(ref added);
        _borrowed[_borrowedCount++] = handle;
        return (int)handle.DangerousGetHandle();
    }
}
