using UnixLoop.Interop;
using UnixLoop.Selector;
using static Tmds.Linux.LibC;

namespace UnixLoop.Transports.Pipes;

/// <summary>
/// Writes one block of memory and closes. What fits into the pipe is written by the thread that calls <see cref="Start"/>:
/// then nothing is ever registered. A peer that stops reading ends it quietly; what else it ends with is its <see cref="Failure"/>.
/// </summary>
/// <param name="loop">Writes the rest on its thread.</param>
/// <param name="handle">The write end of a pipe, non-blocking; owned from here on.</param>
/// <param name="bytes">Not to be changed until the pump has ended.</param>
/// <param name="owner">Told of the end.</param>
internal sealed class BytesPump(UnixEventLoop loop, UnixHandle handle, ReadOnlyMemory<byte> bytes, IPumpOwner owner) : IPump, IReadyHandler
{
    private readonly Lock _gate = new();

    // Guarded by _gate.
    private SelectorRegistration? _registration;
    private ReadOnlyMemory<byte> _left = bytes;
    private volatile bool _ended;

    public bool IsEnded => _ended;

    /// <summary>What kept bytes from being written: a failed write, or the loop's end. To be read once it has ended.</summary>
    public Exception? Failure { get; private set; }

    public void Start()
    {
        lock (_gate)
        {
            WriteNeedsLock();
            if (!_ended)
                _registration = loop.Selector.Register(handle, (uint)EPOLLOUT, this);
        }
        if (_ended)
            owner.OnEnded(this);
    }

    public void OnReady(uint events)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            WriteNeedsLock();
            if (!_ended)
                return;
        }
        owner.OnEnded(this);
    }

    public void OnLoopEnded() =>
        End(new ObjectDisposedException(nameof(UnixEventLoop), $"The loop ended before {owner.Describe(this)} did."));

    public void Close(Exception? error) => End(null);

    private void End(Exception? error)
    {
        lock (_gate)
        {
            if (_ended)
                return;
            EndNeedsLock(error);
        }
        owner.OnEnded(this);
    }

    public override string ToString() => $"{owner.Describe(this)} ({handle}, {_left.Length} bytes left)";

    private void WriteNeedsLock()
    {
        for (int total = 0; !_left.IsEmpty && total < PipeDefaults.BytesPerTurn;)
        {
            PosixResult written = Libc.Write(handle.Descriptor, _left.Span);
            if (written.Errno == EAGAIN)
                return;
            if (written.IsError)
            {
                EndNeedsLock(PosixError.ToException(written, $"write to {owner.Describe(this)}"));
                return;
            }
            total += written.IntValue;
            _left = _left[written.IntValue..];
            if (total >= PipeDefaults.BytesPerTurn && !_left.IsEmpty)
                return;
        }
        EndNeedsLock(null);
    }

    private void EndNeedsLock(Exception? error)
    {
        Failure = error;
        _ended = true;
        _registration?.Dispose();
        handle.Dispose();
    }
}
