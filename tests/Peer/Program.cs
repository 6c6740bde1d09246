using UnixLoop;
using UnixLoop.Peer;

// The protocol of the peers' folder: peer WORKLOAD [ARGUMENT] prints one line of key=value pairs. Workloads with children run
// on the loop, as an asyncio program does; with --on-pool before the workload they run on the thread pool. With --poll the loop
// polls before it blocks.
if (args is ["hold", var server, var connections])
{
    IdleWorkload.Hold(server, int.Parse(connections));
    return 0;
}
bool onPool = args is ["--on-pool", ..];
bool poll = args is ["--poll", ..];
Func<UnixEventLoop, Task>? workload = args[(onPool || poll ? 1 : 0)..] switch
{
    ["W1"] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.OneByOneAsync(factory, "/bin/true")),
    ["W1tiny", var child] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.OneByOneAsync(factory, child)),
    ["W2"] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.SixtyFourInFlightAsync(factory, "/bin/true")),
    ["W2tiny", var child] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.SixtyFourInFlightAsync(factory, child)),
    ["W3", var file] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.CatAsync(factory, file)),
    ["pipeline", var file] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.PipelineAsync(factory, file)),
    ["shell", var file] => loop => WithChildrenAsync(loop, factory => ChildWorkloads.ShellPipelineAsync(factory, file)),
    ["W4"] => loop => WithChildrenAsync(loop, ChildWorkloads.EchoAsync),
    ["W5", var child] => loop => WithChildrenAsync(loop, factory => ExitWorkload.RunAsync(factory, loop, child)),
    ["many", ("pidfd" or "threaded") and var watcher, var count] => loop => WithChildrenAsync(loop, factory => ManyWorkload.RunAsync(factory, int.Parse(count)), watcher == "threaded" ? new ThreadedChildWatcher() : null),
    ["W6", var socket] => loop => EchoWorkload.RunAsync(loop, socket, onPool),
    ["W7"] => PostWorkload.RunAsync,
    ["idle", var socket, var count] => loop => WithChildrenAsync(loop, factory => IdleWorkload.RunAsync(loop, factory, socket, int.Parse(count))),
    ["sendfile", var file, var socket] => loop => SendFileWorkload.RunAsync(loop, file, socket),
    _ => null,
};
if (workload is null)
{
    Console.Error.WriteLine($"peer: no workload '{string.Join(' ', args)}': W1, W1tiny CHILD, W2, W2tiny CHILD, W3 FILE, W4, W5 CHILD, W6 SOCKET, W7, pipeline FILE, shell FILE, sendfile FILE SOCKET, idle SOCKET CONNECTIONS, many pidfd|threaded CHILDREN");
    return 2;
}

// The main thread waits, and takes no part: an await would bring in the thread pool, which W5 counts.
using UnixEventLoop loop = new(new() { Name = "peer", PollBeforeBlocking = TimeSpan.FromMicroseconds(poll ? 50 : 0) });
loop.StartAsync().Wait();
workload(loop).Wait();
return 0;

async Task WithChildrenAsync(UnixEventLoop loop, Func<ISubprocessFactory, Task> run, IChildWatcher? other = null)
{
    using IChildWatcher watcher = other ?? new PidfdChildWatcher();
    watcher.Attach(loop);
    await using SubprocessFactory factory = new(loop, watcher) { StartOnLoop = true, CacheEnvironment = true };
    if (onPool)
        await Task.Run(() => run(factory));
    else
        await loop.InvokeAsync(async () => await run(factory));
}
