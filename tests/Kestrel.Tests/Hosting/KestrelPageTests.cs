using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UnixLoop.Kestrel.Tests.Support;

namespace UnixLoop.Kestrel.Tests.Hosting;

/// <summary>The examples of docs/kestrel.md, as code that runs.</summary>
public sealed class KestrelPageTests : KestrelTest
{
    [Fact]
    public async Task Example_Runs()
    {
        string folder = Directory.CreateTempSubdirectory("unixloop-kestrel-").FullName;
        string path = Path.Combine(folder, "web.sock");

        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path));
        builder.Services.AddUnixEventLoop().UseKestrelTransport().UseSystemdSocketActivation();

        builder.Logging.ClearProviders();
        await using (WebApplication app = builder.Build())
        {
            app.Run(static context => context.Response.WriteAsync("served"));
            await app.StartAsync().WaitAsync(TestTimeout);
            using HttpClient client = UnixHttp.Client(path);
            Assert.Equal("served", await client.GetStringAsync(new Uri("/", UriKind.Relative)));
            await app.StopAsync().WaitAsync(TestTimeout);
        }
        Directory.Delete(folder, recursive: true);
    }
}
