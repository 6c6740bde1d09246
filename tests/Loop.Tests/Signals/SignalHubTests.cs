using System.Runtime.InteropServices;
using UnixLoop.Signals;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class SignalHubTests
{
    private readonly FakeRegistrations _registrations = new();

    private SignalHub Hub => _registrations.Hub;

    [Fact]
    public void Add_SeveralSubscribers_ShareOneRegistrationAndAreAllTold()
    {
        Subscriber first = new(UnixSignal.Usr1), second = new(UnixSignal.Usr1), other = new(UnixSignal.Usr2);
        Hub.Add(first);
        Hub.Add(second);
        Hub.Add(other);

        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal((1, 1, 0), (first.Deliveries, second.Deliveries, other.Deliveries));
        Assert.Equal(2, _registrations.Installations);
    }

    [Fact]
    public void Remove_NotTheLast_KeepsTheRegistration()
    {
        Subscriber first = new(UnixSignal.Usr1), second = new(UnixSignal.Usr1);
        Hub.Add(first);
        Hub.Add(second);
        Hub.Remove(first);

        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal((0, 1), (first.Deliveries, second.Deliveries));
        Assert.Equal(0, _registrations.Disposals);
    }

    [Fact]
    public void Remove_TheLast_DisposesTheRegistrationOnce()
    {
        Subscriber subscriber = new(UnixSignal.Usr1);
        Hub.Add(subscriber);
        Hub.Remove(subscriber);
        Hub.Remove(subscriber);

        Assert.Equal(1, _registrations.Disposals);
        Assert.False(Hub.IsInstalled(UnixSignal.Usr1));
    }

    [Fact]
    public void Remove_Stranger_ChangesNothing()
    {
        Hub.Add(new Subscriber(UnixSignal.Usr1));
        Hub.Remove(new Subscriber(UnixSignal.Usr1));
        Assert.True(Hub.IsInstalled(UnixSignal.Usr1));
    }

    [Fact]
    public void Add_AfterTheLastWasRemoved_InstallsAgain()
    {
        Subscriber subscriber = new(UnixSignal.Usr1);
        Hub.Add(subscriber);
        Hub.Remove(subscriber);
        Hub.Add(subscriber);

        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal(1, subscriber.Deliveries);
        Assert.Equal(2, _registrations.Installations);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Add_InstallationFails_LeavesNoEntry(bool asIOException)
    {
        _registrations.Failure = asIOException ? new IOException("no more room") : new PlatformNotSupportedException("no more room");
        Subscriber subscriber = new(UnixSignal.Usr1);

        var e = Assert.Throws<IOException>(() => Hub.Add(subscriber));
        Assert.Contains("SIGUSR1", e.Message, StringComparison.Ordinal);
        Assert.Contains("no more room", e.Message, StringComparison.Ordinal);
        Assert.False(Hub.IsInstalled(UnixSignal.Usr1));

        Hub.Add(subscriber);
        Assert.True(_registrations.Raise(UnixSignal.Usr1));
        Assert.Equal(1, subscriber.Deliveries);
    }

    [Fact]
    public void Add_InstallationFails_OtherSignalsStay()
    {
        Subscriber other = new(UnixSignal.Usr2);
        Hub.Add(other);
        _registrations.Failure = new IOException("refused");
        Assert.Throws<IOException>(() => Hub.Add(new Subscriber(UnixSignal.Usr1)));
        Assert.True(_registrations.Raise(UnixSignal.Usr2));
        Assert.Equal(1, other.Deliveries);
    }

    [Fact]
    public void Add_SignalDuringTheInstallation_IsDelivered()
    {
        Subscriber subscriber = new(UnixSignal.Usr1);
        _registrations.OnInstalled = callback => FakeRegistrations.Raise(callback);
        Hub.Add(subscriber);
        Assert.Equal(1, subscriber.Deliveries);
    }

    [Fact]
    public void Delivery_UnderWayWhenTheLastIsRemoved_IsIgnoredAndCancelsTheDefault()
    {
        Subscriber subscriber = new(UnixSignal.Usr1);
        Hub.Add(subscriber);
        Action<PosixSignalContext> underWay = _registrations.CallbackOf(UnixSignal.Usr1);
        Hub.Remove(subscriber);

        Assert.True(FakeRegistrations.Raise(underWay));
        Assert.Equal(0, subscriber.Deliveries);
    }

    [Fact]
    public void Remove_WhileTheProcessExits_LeavesTheDispositionAlone()
    {
        Subscriber subscriber = new(UnixSignal.Term);
        Hub.Add(subscriber);
        Hub.BeginProcessExit();
        Hub.Remove(subscriber);

        Assert.Equal(0, _registrations.Disposals);
        Assert.True(_registrations.Raise(UnixSignal.Term)); // swallowed: no default action
        Assert.Equal(0, subscriber.Deliveries);
        Assert.False(Hub.IsInstalled(UnixSignal.Term));
    }

    private sealed class Subscriber(UnixSignal signal) : ISignalSubscriber
    {
        public UnixSignal Signal => signal;

        internal int Deliveries { get; private set; }

        public void Deliver() => Deliveries++;
    }
}
