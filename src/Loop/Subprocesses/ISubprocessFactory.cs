using System.Runtime.CompilerServices;

namespace UnixLoop;

/// <summary>Starts child processes and watches them on an event loop (asyncio: <c>create_subprocess_exec</c>).</summary>
/// <remarks>A call that is cancelled leaves no child, zombie or descriptor behind.</remarks>
public interface ISubprocessFactory
{
    /// <summary>
    /// Starts a child. The caller's thread is held until its exec, 0.1 to 0.6 ms; on a loop's thread the start moves to
    /// another thread first.
    /// </summary>
    /// <param name="startInfo">What to start.</param>
    /// <param name="cancellationToken">A start that is cancelled kills and reaps the child before it throws.</param>
    /// <returns>The running child.</returns>
    /// <exception cref="SubprocessStartException">It could not be started; the message names the errno, the object and the reason.</exception>
    /// <exception cref="ArgumentException">The start info contradicts itself; the message names the property.</exception>
    /// <exception cref="InvalidOperationException">The watcher or the loop is not active; nothing was started.</exception>
    /// <exception cref="PlatformNotSupportedException">The start info has attributes, and the native helper is missing here.</exception>
    /// <exception cref="OperationCanceledException">The start was cancelled.</exception>
    ValueTask<ISubprocess> StartAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a child to its end, gives it its input, and captures its output (asyncio: <c>communicate</c>). A non-zero exit and a
    /// time-out are results: <see cref="SubprocessResult.EnsureSuccess"/> turns them into exceptions.
    /// </summary>
    /// <param name="startInfo">What to run. Streams that it leaves null are captured, or fed from <see cref="SubprocessRunOptions.Input"/>.</param>
    /// <param name="options">Input, limits, time-out; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the child by the ladder and awaits the reap before it throws.</param>
    /// <returns>How it ended and what it wrote.</returns>
    /// <exception cref="SubprocessStartException">It could not be started.</exception>
    /// <exception cref="ArgumentException">The start info contradicts itself or the options.</exception>
    /// <exception cref="InvalidOperationException">The watcher or the loop is not active, or the loop ended before the child's pipes did.</exception>
    /// <exception cref="PlatformNotSupportedException">The start info has attributes, and the native helper is missing here.</exception>
    /// <exception cref="IOException">A pipe to the child failed, so that input or output is missing; the message names the errno. The child is gone.</exception>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child was to be stopped, and runs as another user; it runs on.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the child is gone.</exception>
    [OverloadResolutionPriority(1)] // what new(...) means
    Task<SubprocessResult> RunAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a child and yields its lines as they come, standard output and standard error tagged. Leaving the loop early stops
    /// the child. When the lines end, a non-zero exit throws.
    /// </summary>
    /// <param name="startInfo">What to run. Output streams that it leaves null are read.</param>
    /// <param name="options">Input, limit on a line's length, time-out; null for the defaults.</param>
    /// <param name="cancellationToken">Stops the child by the ladder and awaits the reap before it throws.</param>
    /// <returns>The lines without their line ends.</returns>
    /// <exception cref="SubprocessStartException">It could not be started.</exception>
    /// <exception cref="ArgumentException">The start info contradicts itself or the options.</exception>
    /// <exception cref="InvalidOperationException">The watcher or the loop is not active, or the loop ended before the child's pipes did.</exception>
    /// <exception cref="PlatformNotSupportedException">The start info has attributes, and the native helper is missing here.</exception>
    /// <exception cref="SubprocessFailedException">It ended with a status other than exit code 0.</exception>
    /// <exception cref="TimeoutException">The time-out passed; the child is gone.</exception>
    /// <exception cref="IOException">A pipe to the child failed, so that input or lines are missing; the message names the errno. The child is gone.</exception>
    /// <exception cref="UnauthorizedAccessException">EPERM: the child was to be stopped, and runs as another user; it runs on.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the child is gone.</exception>
    [OverloadResolutionPriority(1)] // what new(...) means
    IAsyncEnumerable<SubprocessLine> ReadLinesAsync(SubprocessStartInfo startInfo, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a pipeline to the end of all its members: the first one gets the input, the last one's output and everybody's errors
    /// are captured. <see cref="SubprocessResult.Members"/> has each one's status.
    /// </summary>
    /// <param name="pipeline">What to run.</param>
    /// <param name="options">Input, limits, time-out; null for the defaults.</param>
    /// <param name="cancellationToken">Stops all members by the ladder and awaits the reaps before it throws.</param>
    /// <returns>How it ended and what it wrote.</returns>
    /// <exception cref="SubprocessStartException">A member could not be started; the message says which. The others are gone.</exception>
    /// <inheritdoc cref="RunAsync(SubprocessStartInfo, SubprocessRunOptions?, CancellationToken)" path="/exception"/>
    Task<SubprocessResult> RunAsync(SubprocessPipeline pipeline, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Runs a pipeline and yields the last member's lines, and everybody's from standard error, as they come. Leaving the loop
    /// early stops all members. When the lines end, a member that failed throws.
    /// </summary>
    /// <param name="pipeline">What to run.</param>
    /// <param name="options">Input, limit on a line's length, time-out; null for the defaults.</param>
    /// <param name="cancellationToken">Stops all members by the ladder and awaits the reaps before it throws.</param>
    /// <returns>The lines without their line ends.</returns>
    /// <inheritdoc cref="ReadLinesAsync(SubprocessStartInfo, SubprocessRunOptions?, CancellationToken)" path="/exception"/>
    IAsyncEnumerable<SubprocessLine> ReadLinesAsync(SubprocessPipeline pipeline, SubprocessRunOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Starts a child that is left alone: in a session of its own (setsid(2)), so that neither a terminal's signals nor its end reach
    /// it. The stop of the factory, the host or this process leaves it running. Nobody waits for it; as long as this process lives
    /// it is reaped in silence at its end, so that it never stays as a zombie.
    /// </summary>
    /// <param name="startInfo">What to start. Streams that it leaves null are /dev/null; pipes and terminals are refused.</param>
    /// <param name="cancellationToken">A start that is cancelled kills and reaps the child before it throws.</param>
    /// <returns>Its process id, which is also its session's and its group's; <see cref="WatchProcess"/> takes hold of it while it runs.</returns>
    /// <inheritdoc cref="StartAsync" path="/exception"/>
    ValueTask<int> StartDetachedAsync(SubprocessStartInfo startInfo, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes hold of a process that is already there, a child or not: to learn of its end, and to signal it without ever hitting
    /// one that later got its id. The caller has to know that <paramref name="processId"/> is still the one that is meant.
    /// </summary>
    /// <param name="processId">Its id (pidfd_open(2)).</param>
    /// <returns>Costs one descriptor until the process ends or it is disposed.</returns>
    /// <exception cref="ArgumentException">There is no such process, or the number is that of a thread; the message has the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">This system has no pidfds (Linux before 5.3), or they are forbidden here.</exception>
    /// <exception cref="IOException">No descriptor is left, or epoll_ctl(2) failed; the message names the errno.</exception>
    /// <exception cref="InvalidOperationException">The loop does not run.</exception>
    IWatchedProcess WatchProcess(int processId);
}
