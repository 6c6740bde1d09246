using System.Globalization;

namespace UnixLoop.Subprocesses;

/// <summary>The processes of the system as /proc shows them: one after the other, so not all at the same moment.</summary>
internal static class ProcessTable
{
    internal static List<ProcessEntry> Read()
    {
        List<ProcessEntry> entries = [];
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && ProcessEntry.Read(pid) is { } entry)
            {
                entries.Add(entry);
            }
        }
        return entries;
    }

    /// <summary>Adds to <paramref name="tree"/> all that <paramref name="belongs"/>, and whatever has a parent in it.</summary>
    internal static void Collect(IReadOnlyList<ProcessEntry> entries, Dictionary<int, ProcessEntry> tree, Predicate<ProcessEntry> belongs)
    {
        bool grew;
        do
        {
            grew = false;
            foreach (ProcessEntry entry in entries)
            {
                if (!tree.ContainsKey(entry.Id) && (tree.ContainsKey(entry.Parent) || belongs(entry)))
                {
                    tree.Add(entry.Id, entry);
                    grew = true;
                }
            }
        }
        while (grew);
    }
}
