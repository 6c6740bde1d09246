using UnixLoop;
using UnixLoop.Peer;

// The protocol of the peers' folder: peer WORKLOAD [ARGUMENT] prints one line of key=value pairs.
Func<UnixEventLoop, SubprocessFactory, Task>? workload = args switch
{
    ["W1"] => (_, factory) => new ChildWorkloads(factory).OneByOneAsync("/bin/true"),
    ["W1tiny", var child] => (_, factory) => new ChildWorkloads(factory).OneByOneAsync(child),
    ["W2"] => (_, factory) => new ChildWorkloads(factory).SixtyFourInFlightAsync("/bin/true"),
    ["W2tiny", var child] => (_, factory) => new ChildWorkloads(factory).SixtyFourInFlightAsync(child),
    ["W3", var file] => (_, factory) => new ChildWorkloads(factory).CatAsync(file),
    ["W4"] => (_, factory) => new ChildWorkloads(factory).EchoAsync(),
    ["W5", var child] => (loop, factory) => ExitWorkload.RunAsync(factory, loop, child),
    ["W7"] => (loop, _) => PostWorkload.RunAsync(loop),
    _ => null,
};
if (workload is null)
{
    Console.Error.WriteLine($"peer: no workload '{string.Join(' ', args)}': W1, W1tiny CHILD, W2, W2tiny CHILD, W3 FILE, W4, W5 CHILD, W7");
    return 2;
}

await using UnixEventLoop loop = new(new() { Name = "peer" });
await loop.StartAsync();
using PidfdChildWatcher watcher = new();
watcher.Attach(loop);
await using SubprocessFactory factory = new(loop, watcher);
await workload(loop, factory);
return 0;
