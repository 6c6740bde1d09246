using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace UnixLoop.Loop.Tests.Subprocesses;

public sealed class RunInputTests : SubprocessTest
{
    [Fact]
    public async Task FromPipeReader_AllThatComes_ReachesTheChild()
    {
        var pipe = new Pipe();
        Task<SubprocessResult> run = RunAsync(new("cat"), new() { Input = SubprocessInput.FromPipeReader(pipe.Reader) });
        for (int i = 0; i < 100; i++)
            await pipe.Writer.WriteAsync(Encoding.ASCII.GetBytes($"{i}\n"));
        await pipe.Writer.CompleteAsync();
        Assert.Equal(string.Concat(Enumerable.Range(0, 100).Select(i => $"{i}\n")), (await run).Output);
    }

    [Fact]
    public async Task FromLines_EachLine_HasALineFeedBehindIt() =>
        Assert.Equal("one\n\ngrün\n", (await RunAsync(new("cat"), new() { Input = SubprocessInput.FromLines(Lines(["one", "", "grün"])) })).Output);

    [Fact]
    public async Task FromLines_ALine_ReachesTheChildBeforeTheNextIsAwaited()
    {
        using var answered = new SemaphoreSlim(0);
        async IAsyncEnumerable<string> Ask([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            yield return "first";
            await answered.WaitAsync(cancellationToken);
            yield return "second";
        }
        SubprocessOutput answers = SubprocessOutput.ToLines((line, _) =>
        {
            answered.Release();
            return ValueTask.CompletedTask;
        });
        await RunAsync(Shell("while read x; do echo got $x; done"), new() { Input = SubprocessInput.FromLines(Ask()), Output = answers });
        Assert.Equal(1, answered.CurrentCount); // the second answer
    }

    [Fact]
    public async Task FromLines_ManyLines_AllArrive()
    {
        string[] lines = [.. Enumerable.Range(0, 50_000).Select(i => $"line {i}")];
        SubprocessResult result = await RunAsync(Shell("wc -l | tr -d ' '"), new() { Input = SubprocessInput.FromLines(Lines(lines)) });
        Assert.Equal("50000\n", result.Output);
    }

    [Fact]
    public async Task FromLines_ChildReadsNoMore_EndsTheEnumeration()
    {
        bool disposed = false;
        async IAsyncEnumerable<string> Endless([EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                for (int i = 0; ; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    yield return $"{i}";
                    await Task.Yield();
                }
            }
            finally
            {
                disposed = true;
            }
        }
        Assert.Equal("0\n", (await RunAsync(new("head", "-n", "1"), new() { Input = SubprocessInput.FromLines(Endless()) })).EnsureSuccess().Output);
        Eventually.True(() => disposed, "the enumerator is disposed");
    }

    [Fact]
    public async Task FromWriter_WhatItWrites_ReachesTheChild()
    {
        SubprocessInput input = SubprocessInput.FromWriter(async (writer, cancellationToken) =>
        {
            for (int i = 0; i < 1000; i++)
                await writer.WriteAsync(new byte[1000], cancellationToken);
        });
        Assert.Equal(1_000_000, (await RunAsync(new("cat"), new() { Input = input })).OutputBytes.Length);
    }

    [Fact]
    public async Task FromWriter_ChildReadsNoMore_IsToldByTheFlush()
    {
        bool told = false;
        SubprocessInput input = SubprocessInput.FromWriter(async (writer, cancellationToken) =>
        {
            while (!(await writer.WriteAsync(new byte[10_000], CancellationToken.None)).IsCompleted)
                cancellationToken.ThrowIfCancellationRequested();
            told = true;
        });
        Assert.True((await RunAsync(Shell("exec <&-; sleep 0.2"), new() { Input = input })).Exit.IsSuccess);
        Assert.True(told);
    }

    [Fact]
    public async Task FromWriter_Throws_StopsTheChildAndThrowsThat()
    {
        SubprocessInput input = SubprocessInput.FromWriter((_, _) => throw new InvalidDataException("broken"));
        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidDataException>(() => RunAsync(new("cat"), new() { Input = input }))).Message);
    }

    [Fact]
    public async Task FromWriter_StillWritingAtTheExit_IsCancelledQuietly()
    {
        SubprocessInput input = SubprocessInput.FromWriter(async (_, cancellationToken) =>
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw new InvalidDataException("too late to matter");
        });
        Assert.Equal(5, (await RunAsync(Shell("exit 5"), new() { Input = input })).Exit.ExitCode);
    }

    [Fact]
    public async Task Encoding_OfInputAndOutput_IsTheOneAskedFor()
    {
        SubprocessRunOptions options = new() { Input = SubprocessInput.FromText("grün", Encoding.Latin1), Encoding = Encoding.Latin1 };
        SubprocessResult result = await RunAsync(new("cat"), options);
        Assert.Equal("gr\u00fcn"u8.Length - 1, result.OutputBytes.Length);
        Assert.Equal("grün", result.Output);
        options = new() { Input = SubprocessInput.FromLines(Lines(["grün"]), Encoding.Unicode), Encoding = Encoding.Unicode };
        Assert.Equal("grün\n", (await RunAsync(new("cat"), options)).Output);
    }

    [Fact]
    public async Task Encoding_ThatThrows_IsMadeToReplace()
    {
        var strict = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
        SubprocessResult result = await RunAsync(new("cat"), new() { Input = SubprocessInput.FromBytes(new byte[] { (byte)'a', 0xFF, (byte)'b' }), Encoding = strict });
        Assert.Equal("a\uFFFDb", result.Output);
        Assert.Equal("a?b", (await RunAsync(new("cat"), new() { Input = SubprocessInput.FromText("a\uD800b", strict) })).Output);
    }

    [Fact]
    public async Task Encoding_WithoutByteLineFeeds_IsRefusedForLines()
    {
        SubprocessRunOptions options = new() { Encoding = Encoding.Unicode };
        ArgumentException error = Assert.Throws<ArgumentException>(() => Factory.ReadLinesAsync(new("cat"), options));
        Assert.Contains("utf-16", error.Message, StringComparison.Ordinal);
        options.Output = SubprocessOutput.ToLines((_, _) => ValueTask.CompletedTask);
        await Assert.ThrowsAsync<ArgumentException>(() => RunAsync(new("cat"), options));
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    [InlineData("lines")]
    public async Task Options_ChangedRightAfterTheCall_FeedWhatTheRunWasGiven(string kind)
    {
        // On the loop's thread the start moves to another one, and the options are read there.
        await Loop.InvokeAsync(async () =>
        {
            SubprocessRunOptions options = new() { Input = SubprocessInput.FromText("first\n") };
            Task<string> run = CatAsync(kind, options);
            options.Input = SubprocessInput.FromStream(new MemoryStream("second\n"u8.ToArray()));
            Assert.Equal("first\n", await run);
            run = CatAsync(kind, options);
            options.Input = SubprocessInput.FromText("third\n");
            Assert.Equal("second\n", await run);
            run = CatAsync(kind, options);
            options.Input = null;
            options.Timeout = options.DrainBound = options.StopGrace = TimeSpan.FromSeconds(-5); // which a call would refuse
            Assert.Equal("third\n", await run);
        }).WaitAsync(TestTimeout);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("pipeline")]
    public async Task Source_ThatHearsOfTheCallersCancellationFirst_IsNoFailure(string kind)
    {
        using var caller = new CancellationTokenSource();
        using var own = new CancellationTokenSource();
        SubprocessRunOptions options = new()
        {
            Input = SubprocessInput.FromWriter(async (_, _) =>
            {
                // Registered after the run's own registration, so called before it.
                using var linked = CancellationTokenSource.CreateLinkedTokenSource(caller.Token, own.Token);
                var ended = new TaskCompletionSource();
                using CancellationTokenRegistration registration = linked.Token.Register(() => ended.SetException(new IOException("too early")));
                _ = Task.Run(caller.Cancel, CancellationToken.None);
                await ended.Task;
            }),
        };
        OperationCanceledException error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CatAsync(kind, options, caller.Token));
        Assert.Equal(caller.Token, error.CancellationToken);
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("to a target")]
    [InlineData("lines")]
    public async Task Source_WhoseTokenHasAThrowingCallback_CostsNoRun(string kind)
    {
        SubprocessRunOptions options = new()
        {
            Input = SubprocessInput.FromWriter(async (writer, cancellationToken) =>
            {
                cancellationToken.Register(() => throw new InvalidOperationException("a callback's"));
                await writer.WriteAsync("x\n"u8.ToArray(), CancellationToken.None);
            }),
        };
        Assert.Equal("x\n", await CatAsync(kind, options));
    }

    [Theory]
    [InlineData("captured")]
    [InlineData("pipeline")]
    public async Task Source_ThrowsACancellationOfItsOwn_IsNotTakenForTheCallers(string kind)
    {
        var own = new OperationCanceledException("mine");
        SubprocessRunOptions options = new() { Input = SubprocessInput.FromWriter((_, _) => throw own) };
        Assert.Same(own, await Assert.ThrowsAsync<OperationCanceledException>(() => CatAsync(kind, options)));
    }

    private async Task<string> CatAsync(string kind, SubprocessRunOptions options, CancellationToken cancellationToken = default)
    {
        switch (kind)
        {
            case "captured":
                return (await RunAsync(new("cat"), options, cancellationToken)).Output;
            case "pipeline":
                return (await Factory.RunAsync(new SubprocessPipeline(new("cat"), new("cat")), options, cancellationToken).WaitAsync(TestTimeout, CancellationToken.None)).Output;
            case "to a target":
                MemoryStream target = new();
                options.Output = SubprocessOutput.ToStream(target);
                await RunAsync(new("cat"), options, cancellationToken);
                return Encoding.UTF8.GetString(target.ToArray());
            default:
                StringBuilder lines = new();
                await foreach (SubprocessLine line in Factory.ReadLinesAsync(new("cat"), options, cancellationToken))
                    lines.Append(line.Text).Append('\n');
                return lines.ToString();
        }
    }

    private static async IAsyncEnumerable<string> Lines(IEnumerable<string> lines)
    {
        foreach (string line in lines)
            yield return line;
        await Task.CompletedTask;
    }
}
