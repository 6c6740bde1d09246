using UnixLoop.Interop;

namespace UnixLoop.Subprocesses;

internal sealed partial class ChildProcess
{
    /// <summary>Nothing happens once the child has ended: its terminal is closed then.</summary>
    /// <exception cref="InvalidOperationException">It has no terminal of its own.</exception>
    internal void Resize(TerminalSize size)
    {
        if (_terminal is null)
            throw new InvalidOperationException($"{this} has no terminal of its own: set {nameof(SubprocessStartInfo)}.{nameof(SubprocessStartInfo.Output)} to {nameof(Stdio)}.{nameof(Stdio.Pty)}.");
        lock (_gate)
        {
            if (_state != State.Exited)
                PosixError.ThrowIfError(Libc.ResizeTerminal(_terminal.Descriptor, size), $"window size of {this}");
        }
    }
}
