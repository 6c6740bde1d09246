using System.Runtime.InteropServices;

namespace UnixLoop.Pages;

internal static class LoopPage
{
    internal static async Task<int> LoopAsync(SafeHandle handle)
    {
        await using var loop = new UnixEventLoop();
        await loop.StartAsync();

        loop.Post(() => Console.WriteLine("on the loop's thread"));
        int answer = await loop.InvokeAsync(() => 6 * 7);

        await loop.InvokeAsync(async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), loop.TimeProvider);   // the timer is the loop's
            Console.WriteLine(loop.IsOnLoopThread);                              // and so is what follows: True
        });

        using IDisposable timer = loop.Schedule(TimeSpan.FromSeconds(1), () => Console.WriteLine("once"));
        using IDisposable watch = loop.WatchReadable(handle, () => Console.WriteLine("readable"));
        return answer;
    }
}
