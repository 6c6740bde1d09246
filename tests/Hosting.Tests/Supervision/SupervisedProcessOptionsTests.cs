using System.Collections;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using UnixLoop.Hosting.Supervision;

namespace UnixLoop.Hosting.Tests.Supervision;

public sealed class SupervisedProcessOptionsTests
{
    private static readonly Dictionary<string, string?> EveryProperty = new()
    {
        ["FileName"] = "/bin/cat",
        ["Arguments:0"] = "-n",
        ["WorkingDirectory"] = "/tmp",
        ["Environment:A"] = "1",
        ["ClearEnvironment"] = "true",
        ["AutoStart"] = "false",
        ["Restart"] = "OnFailure",
        ["RestartDelay"] = "00:00:02",
        ["MaxRestartDelay"] = "00:00:03",
        ["StableAfter"] = "00:00:04",
        ["MaxStarts"] = "5",
        ["StartWindow"] = "00:00:06",
        ["StopHostOnFailure"] = "true",
        ["ReadyPattern"] = "ready",
        ["ReadySocket"] = "@ready",
        ["ReadyTimeout"] = "00:00:07",
        ["StopSignal"] = "INT",
        ["StopGrace"] = "00:00:08",
        ["StandardErrorAsWarning"] = "true",
        ["User"] = "nobody",
        ["Group"] = "nogroup",
        ["Groups:0"] = "4",
        ["Umask"] = "027",
        ["Limits:NoFile"] = "1024:4096",
        ["ParentDeathSignal"] = "KILL",
        ["NoNewPrivileges"] = "true",
        ["Cgroup"] = "/sys/fs/cgroup/web",
    };

    public static TheoryData<string> Keys => [.. EveryProperty.Keys];

    [Fact]
    public void EveryProperty_IsInTheBindingTest() =>
        Assert.Equal(
            typeof(SupervisedProcessOptions).GetProperties().Select(property => property.Name).Order(),
            EveryProperty.Keys.Select(key => key.Split(':')[0]).Order());

    [Theory, MemberData(nameof(Keys))]
    public void Section_EachProperty_IsBoundAndMakesADifference(string key)
    {
        SupervisedProcessOptions defaults = Bind([]);
        SupervisedProcessOptions options = Bind(new() { [key] = EveryProperty[key] });
        PropertyInfo property = typeof(SupervisedProcessOptions).GetProperty(key.Split(':')[0])!;
        if (property.GetValue(options) is ICollection collection)
            Assert.Single(collection);
        else
            Assert.NotEqual(property.GetValue(defaults), property.GetValue(options));
        Assert.False(options.IsSameAs(defaults));
        Assert.True(options.IsSameAs(Bind(new() { [key] = EveryProperty[key] })));
    }

    [Fact]
    public void Attributes_AllOfThem_ReachTheStart()
    {
        SubprocessAttributes attributes = ProcessAttributes.Of(Bind(EveryProperty))!;
        Assert.Equal("nobody", attributes.User);
        Assert.Equal("nogroup", attributes.Group);
        Assert.Equal(["4"], attributes.Groups!);
        Assert.Equal((UnixFileMode)0b000_010_111, attributes.Umask);
        Assert.Equal(new ResourceLimitValue(1024, 4096), attributes.Limits[ResourceLimit.NoFile]);
        Assert.Equal(UnixSignal.Kill, attributes.ParentDeathSignal);
        Assert.True(attributes.NoNewPrivileges);
        Assert.Equal("/sys/fs/cgroup/web", attributes.Cgroup);
        Assert.Null(ProcessAttributes.Of(Bind(new() { ["FileName"] = "x" })));
    }

    [Theory]
    [InlineData("unlimited", ulong.MaxValue, ulong.MaxValue)]
    [InlineData("0", 0, 0)]
    [InlineData("5:Unlimited", 5, ulong.MaxValue)]
    public void Limits_Values_AreRead(string value, ulong soft, ulong hard) =>
        Assert.Equal(new ResourceLimitValue(soft, hard), ProcessAttributes.Of(Bind(new() { ["Limits:core"] = value }))!.Limits[ResourceLimit.Core]);

    [Theory]
    [InlineData("FileName", "", "FileName is empty")]
    [InlineData("FileName", "a\0b", "FileName has a NUL character")]
    [InlineData("WorkingDirectory", "", "WorkingDirectory is empty")]
    [InlineData("Arguments:0", "s3cret\0", "Arguments[0] has a NUL character")]
    [InlineData("Environment:A=B", "s3cret", "Environment has a variable named 'A=B'")]
    [InlineData("Environment:A", "s3cret\0", "Environment:A has a NUL character")]
    [InlineData("Restart", "9", "Restart is 9; it must be Always, OnFailure, Never.")]
    [InlineData("RestartDelay", "-00:00:01", "RestartDelay is -00:00:01; it must be between 00:00:00 and 01:00:00.")]
    [InlineData("RestartDelay", "00:02:00", "MaxRestartDelay is 00:01:00; it must not be below RestartDelay, which is 00:02:00.")]
    [InlineData("MaxRestartDelay", "2.00:00:00", "MaxRestartDelay is 2.00:00:00; it must be between 00:00:00 and 1.00:00:00.")]
    [InlineData("StableAfter", "-00:00:01", "StableAfter is -00:00:01;")]
    [InlineData("MaxStarts", "10001", "MaxStarts is 10001; it must be between 0 (no limit) and 10000.")]
    [InlineData("StartWindow", "00:00:00", "StartWindow is 00:00:00; it must be between 00:00:00.0010000")]
    [InlineData("ReadyTimeout", "00:00:00", "ReadyTimeout is 00:00:00;")]
    [InlineData("ReadyPattern", "[", "ReadyPattern is no regular expression: ")]
    [InlineData("ReadyPattern", "", "ReadyPattern is empty")]
    [InlineData("ReadySocket", "@", "ReadySocket is '@'; it must be a path")]
    [InlineData("StopSignal", "SIGTREM", "StopSignal is 'SIGTREM'; it must be a signal such as TERM, INT or 15.")]
    [InlineData("StopGrace", "-00:00:01", "StopGrace is -00:00:01;")]
    [InlineData("StopGrace", "00:00:30", "StopGrace is 00:00:30 and HostOptions.ShutdownTimeout is 00:00:30;")]
    [InlineData("Umask", "0888", "Umask is '0888'; it must be octal digits from 0 to 777.")]
    [InlineData("Umask", "1777", "Umask is '1777';")]
    [InlineData("ParentDeathSignal", "DEATH", "ParentDeathSignal is 'DEATH'; it must be a signal")]
    [InlineData("Limits:NoFiles", "1", "Limits names 'NoFiles'; it must be one of Cpu, ")]
    [InlineData("Limits:NoFile", "2:1", "Limits:NoFile is '2:1'; it must be a number or 'unlimited'")]
    [InlineData("Limits:NoFile", "-1", "Limits:NoFile is '-1'; it must be a number or 'unlimited'")]
    public void Rules_OneMistake_IsNamedWithItsValueAndTheRule(string key, string value, string expected)
    {
        Dictionary<string, string?> configuration = new() { ["FileName"] = "x" };
        configuration[key] = value;
        var e = Assert.Throws<OptionsValidationException>(() => Create(configuration));
        Assert.StartsWith(expected, Assert.Single(e.Failures, failure => !failure.Contains("not available here", StringComparison.Ordinal)));
        Assert.DoesNotContain("s3cret", e.Message);
    }

    [Fact]
    public void Section_HandedTwice_IsBoundOnce()
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("UnixEventLoop:Processes:web:FileName", "echo"), new("UnixEventLoop:Processes:web:Arguments:0", "once")]);
        builder.Services.AddUnixEventLoop();
        builder.Services.AddUnixEventLoop(builder.Configuration.GetSection("UnixEventLoop"));
        builder.Services.AddUnixEventLoop(builder.Configuration.GetSection("UnixEventLoop"));
        using IHost host = builder.Build();
        Assert.Equal(["once"], host.Services.GetRequiredService<IOptionsFactory<SupervisedProcessOptions>>().Create("web").Arguments);
    }

    [Fact]
    public void Rules_PatternAndSocket_ExcludeEachOther()
    {
        var e = Assert.Throws<OptionsValidationException>(() => Create(new() { ["FileName"] = "x", ["ReadyPattern"] = "x", ["ReadySocket"] = "/x" }));
        Assert.Equal(["ReadyPattern and ReadySocket exclude each other."], e.Failures);
    }

    private static SupervisedProcessOptions Bind(Dictionary<string, string?> configuration)
    {
        var options = new SupervisedProcessOptions();
        // The package's own binder, which is generated, and not the one that this assembly would use.
        IConfiguration root = new ConfigurationBuilder()
            .AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create($"Loop:Processes:web:{pair.Key}", pair.Value))).Build();
        new ProcessSections([new HandedProcessSection(root.GetSection("Loop"))]).Configure("web", options);
        return options;
    }

    private static SupervisedProcessOptions Create(Dictionary<string, string?> configuration)
    {
        HostApplicationBuilder builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(configuration.Select(pair => KeyValuePair.Create($"UnixEventLoop:Processes:web:{pair.Key}", pair.Value)));
        builder.Services.AddUnixEventLoop();
        using IHost host = builder.Build();
        return host.Services.GetRequiredService<IOptionsFactory<SupervisedProcessOptions>>().Create("web");
    }
}
