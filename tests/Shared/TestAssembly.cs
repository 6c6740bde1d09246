using Xunit.Sdk;
using Xunit.v3;

// Signals, descriptors and children belong to the process: two tests at once would see each other's.
[assembly: Parallelization(Mode = ParallelMode.None)]
