using UnixLoop.Signals;

namespace UnixLoop.Loop.Tests.Signals;

public sealed class SignalRefusalsTests
{
    private const int SomeProcess = 4711;

    public static TheoryData<int, string> Refused => new()
    {
        { 9, "kernel" }, { 19, "kernel" },
        { 32, "libc" }, { 33, "libc" },
        { 4, "fault" }, { 5, "fault" }, { 6, "fault" }, { 7, "fault" }, { 8, "fault" }, { 11, "fault" },
        { UnixSignal.RtMin.Number, "runtime" },
        { 13, "runtime" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void Rule17_ThrowIfRefused_NamesTheSignalAndTheReason(int number, string reason)
    {
        var signal = new UnixSignal(number);
        var e = Assert.Throws<ArgumentException>(() => SignalRefusals.ThrowIfRefused(signal, SomeProcess));
        Assert.StartsWith($"{signal} can't be handled: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rule17_ThrowIfRefused_AllOthersPass()
    {
        int[] refused = [.. Refused.Select(row => row.Data.Item1)];
        int[] others = [.. Enumerable.Range(1, 64).Except(refused)];
        Assert.Equal(64 - 12, others.Length);
        Assert.All(others, number => SignalRefusals.ThrowIfRefused(new UnixSignal(number), SomeProcess));
    }

    [Fact]
    public void ThrowIfRefused_Default_SaysSo()
    {
        var e = Assert.Throws<ArgumentException>(() => SignalRefusals.ThrowIfRefused(default, SomeProcess));
        Assert.Contains("default(UnixSignal)", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rule15_ThrowIfRefused_ChildSignalAsPid1_SaysThatTheRuntimeReapsEveryChild()
    {
        var e = Assert.Throws<InvalidOperationException>(() => SignalRefusals.ThrowIfRefused(UnixSignal.Chld, processId: 1));
        Assert.Contains("PID 1", e.Message, StringComparison.Ordinal);
        Assert.Contains("reaps every child", e.Message, StringComparison.Ordinal);
        SignalRefusals.ThrowIfRefused(UnixSignal.Term, processId: 1);
    }
}
