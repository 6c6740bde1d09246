namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SupervisedAttributesTests : IDisposable
{
    private readonly LeakCheck _leaks = new();

    public void Dispose() => _leaks.Dispose();

    [Fact]
    public async Task Attributes_OfTheOptions_AreTheChilds()
    {
        string? missing = new SubprocessAttributes { NoNewPrivileges = true }.WhyUnavailable();
        Requires.That(missing is null, $"the native helper ({missing})");
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "umask; ulimit -Sn; ulimit -Hn; grep NoNewPrivs /proc/self/status; exec sleep 1000", options =>
        {
            options.Umask = "027";
            options.Limits["NoFile"] = "64:128";
            options.NoNewPrivileges = true;
        });
        Eventually.True(() => host.Lines("web").Length == 4, "four lines");
        Assert.Equal(["0027", "64", "128", "NoNewPrivs:\t1"], host.Lines("web"));
    }

    [Fact]
    public async Task User_ThatDoesNotExist_IsReportedLikeAMissingProgram()
    {
        string? missing = new SubprocessAttributes { User = "root" }.WhyUnavailable();
        Requires.That(missing is null, $"the native helper ({missing})");
        await using SupervisedHost host = await SupervisedHost.StartAsync("web", "exit 0", options => (options.User, options.MaxStarts) = ("no-such-user", 1));
        Assert.Contains("no-such-user", Assert.Single(host.Expect("web", SupervisedProcessState.Failed).LastExits).Error);
    }
}
