using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using UnixLoop.Benchmarks;

// dotnet run -c Release --project tests/Benchmarks -- watchers [MOST CHILDREN [WATCHER...]] > watchers.csv      (docs/performance.md)
if (args is ["watchers", .. string[] choice])
{
    await WatcherCosts.RunAsync(choice is [string most, ..] ? int.Parse(most) : 10_000, names: choice.Length > 1 ? choice[1..] : []);
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
