namespace UnixLoop.Loop.Tests.Signals;

/// <summary>The order of asyncio's checks: the callback's kind, the number, the loop, and only then the installation.</summary>
public sealed class SignalHandlerChecksTests : IDisposable
{
    private readonly FakeRegistrations _registrations = new();
    private readonly FakeLoop _loop;

    public SignalHandlerChecksTests() => _loop = new FakeLoop(_registrations.Hub);

    public void Dispose()
    {
        Assert.Equal(0, _registrations.Installations);
        _loop.Dispose();
    }

    [Fact]
    public void Add_CallbackNull_ComesBeforeTheNumber()
    {
        Assert.Throws<ArgumentNullException>("callback", () => _loop.Handlers.Add(UnixSignal.Kill, (Action)null!));
        Assert.Throws<ArgumentNullException>("callback", () => _loop.Handlers.Add(UnixSignal.Kill, null!, "state"));
        Assert.Throws<ArgumentNullException>("callback", () => _loop.Handlers.Add(UnixSignal.Kill, (Func<CancellationToken, ValueTask>)null!));
    }

    [Fact]
    public void Add_AsyncVoid_IsRefusedBeforeTheNumber()
    {
        var e = Assert.Throws<ArgumentException>("callback", () => _loop.Handlers.Add(UnixSignal.Kill, async () => await Task.Yield()));
        Assert.Contains("CancellationToken", e.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>("callback", () => _loop.Handlers.Add(UnixSignal.Kill, async _ => await Task.Yield(), "state"));
    }

    [Fact]
    public void Add_AsyncVoidAmongSeveralTargets_IsRefused()
    {
        Action several = () => { };
        several += async () => await Task.Yield();
        Assert.Throws<ArgumentException>("callback", () => _loop.Handlers.Add(UnixSignal.Usr1, several));
    }

    [Fact]
    public void Add_RefusedNumber_ComesBeforeTheClosedLoop()
    {
        _loop.Handlers.CloseAll();
        Assert.Throws<ArgumentException>("signal", () => _loop.Handlers.Add(UnixSignal.Kill, () => { }));
        Assert.Throws<ArgumentException>("signal", () => _loop.Handlers.Add(default, () => { }));
    }

    [Fact]
    public void Add_ClosedLoop_ComesBeforeTheInstallation()
    {
        _loop.Handlers.CloseAll();
        var e = Assert.Throws<ObjectDisposedException>(() => _loop.Handlers.Add(UnixSignal.Usr1, () => { }));
        Assert.Contains("'test'", e.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => _loop.Handlers.Add(UnixSignal.Usr1, _ => ValueTask.CompletedTask));
    }

    [Theory, MemberData(nameof(SignalRefusalsTests.Refused), MemberType = typeof(SignalRefusalsTests))]
    public void Rule17_Add_RefusedSignal_InstallsNothing(int number, string reason)
    {
        var e = Assert.Throws<ArgumentException>(() => _loop.Handlers.Add(new UnixSignal(number), () => { }));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }
}
