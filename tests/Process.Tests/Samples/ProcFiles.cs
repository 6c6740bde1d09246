namespace UnixLoop.Process.Tests.Samples;

/// <summary>What proc(5) says of processes that may end meanwhile.</summary>
internal static class ProcFiles
{
    internal static int[] ChildrenOf(int pid) =>
    [
        .. (Directory.Exists($"/proc/{pid}/task") ? Directory.GetDirectories($"/proc/{pid}/task") : [])
            .SelectMany(task => Read($"{task}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)).Select(int.Parse),
    ];

    /// <summary>Empty once its process or thread has gone.</summary>
    internal static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return "";
        }
    }
}
