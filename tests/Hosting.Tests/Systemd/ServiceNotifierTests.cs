using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging.Testing;
using UnixLoop.Hosting.Systemd;

namespace UnixLoop.Hosting.Tests.Systemd;

public sealed class ServiceNotifierTests
{
    private readonly FakeLogger _logger = new();

    [Fact]
    public void ReadyAndStopping_Repeated_ArriveOnceEach()
    {
        var systemd = new RecordingNotifier();
        var notifier = new ServiceNotifier(systemd, null, _logger);

        notifier.Ready();
        notifier.Ready();
        notifier.Stopping("Draining", null);
        notifier.Stopping("Stopping", TimeSpan.FromSeconds(1));

        Assert.Equal(["READY=1\nSTATUS=Serving", "STOPPING=1\nSTATUS=Draining", "STATUS=Stopping\nEXTEND_TIMEOUT_USEC=1000000"], systemd.States);
    }

    [Fact]
    public void Ready_AfterStopping_IsNotSent()
    {
        var systemd = new RecordingNotifier();
        var notifier = new ServiceNotifier(systemd, null, _logger);

        notifier.Stopping("Stopping", null);
        notifier.Ready();

        Assert.Equal(["STOPPING=1\nSTATUS=Stopping"], systemd.States);
    }

    [Fact]
    public void Notify_Failing_IsLogged()
    {
        var notifier = new ServiceNotifier(new RecordingNotifier { Failure = new InvalidOperationException("no") }, null, _logger);

        notifier.Ready();

        FakeLogRecord record = _logger.LatestRecord;
        Assert.Equal("ServiceManagerNotNotified", record.Id.Name);
        Assert.IsType<InvalidOperationException>(record.Exception);
    }

    [Fact]
    public void Notify_WithoutServiceManager_DoesNothing()
    {
        var notifier = new ServiceNotifier(null, null, _logger);

        notifier.Ready();
        notifier.Stopping("Stopping", null);

        Assert.Equal(0, _logger.Collector.Count);
    }

    private sealed class RecordingNotifier : ISystemdNotifier
    {
        internal List<string> States { get; } = [];

        internal Exception? Failure { get; init; }

        public bool IsEnabled => true;

        public void Notify(ServiceState state)
        {
            if (Failure is not null)
                throw Failure;
            States.Add(state.ToString()!);
        }
    }
}
