using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using UnixLoop.Benchmarks;

// dotnet run -c Release --project tests/Benchmarks -- watchers [MOST CHILDREN] > watchers.csv      (two minutes with 10,000; docs/performance.md)
if (args is ["watchers", .. string[] most])
{
    await WatcherCosts.RunAsync(most is [string number] ? int.Parse(number) : 10_000);
    return;
}

// dotnet run -c Release --project tests/Benchmarks -- --filter '*'      (a few minutes; docs/performance.md)
Job job = Job.ShortRun
    .WithToolchain(InProcessEmitToolchain.Instance); // a child process would be built anew for every suite
IConfig config = DefaultConfig.Instance
    .AddJob(job)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .HideColumns(Column.Error, Column.StdDev, Column.RatioSD, Column.Job, Column.Toolchain, Column.IterationCount, Column.LaunchCount, Column.WarmupCount);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
