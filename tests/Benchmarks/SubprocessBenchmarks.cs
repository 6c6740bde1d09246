using System.IO.Pipelines;
using BenchmarkDotNet.Attributes;

namespace UnixLoop.Benchmarks;

/// <summary>4 KiB through a child's standard input and back through its standard output (cat), both pumps in steady state.</summary>
public class SubprocessBenchmarks
{
    private const int RoundTrips = 1_000;
    private const int Bytes = 4096;
    private RunningFactory _running = null!;
    private ISubprocess _cat = null!;

    [GlobalSetup]
    public async Task Setup()
    {
        _running = new();
        _cat = await _running.Factory.StartAsync(new("/bin/cat") { Input = Stdio.Pipe, Output = Stdio.Pipe });
    }

    [GlobalCleanup]
    public async Task Cleanup()
    {
        await _cat.DisposeAsync();
        await _running.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = RoundTrips)]
    public async Task WriteAndReadBack()
    {
        for (int i = 0; i < RoundTrips; i++)
        {
            _cat.Input.GetSpan(Bytes)[..Bytes].Clear();
            _cat.Input.Advance(Bytes);
            await _cat.Input.FlushAsync();
            ReadResult read = await _cat.Output.ReadAtLeastAsync(Bytes);
            _cat.Output.AdvanceTo(read.Buffer.GetPosition(Bytes));
        }
    }
}
