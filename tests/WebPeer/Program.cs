using UnixLoop.Hosting;

// W8 of the peers' folder: HTTP/1.1 "hello" over a Unix socket, the minimal app that it is compared with, by this library's transport.
// web-peer [--inline] [--poll] [--two-loops] W8 SOCKET: with --inline the application runs on the loop, with --poll the loop polls before it blocks.
bool inline = args.Contains("--inline");
bool poll = args.Contains("--poll");
int loops = args.Contains("--two-loops") ? 2 : 1;
if (args.Where(argument => argument is not ("--inline" or "--poll" or "--two-loops")).ToArray() is not ["W8", var socket])
{
    Console.Error.WriteLine($"web-peer: no workload '{string.Join(' ', args)}': W8 SOCKET");
    return 2;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(Path.GetFullPath(socket)));
builder.Services.AddUnixEventLoop(options => options.PollBeforeBlocking = poll ? TimeSpan.FromMicroseconds(50) : TimeSpan.Zero)
    .UseKestrelTransport(options =>
    {
        options.ApplicationScheduling = inline ? ApplicationScheduling.Inline : ApplicationScheduling.ThreadPool;
        options.LoopCount = loops;
    });
WebApplication app = builder.Build();
app.MapGet("/", () => "hello");
app.Run();
return 0;
