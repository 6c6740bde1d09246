using UnixLoop.Transports.Pipes;

namespace UnixLoop.Subprocesses;

/// <summary>Brings one stream into a <see cref="ChunkQueue"/>: read into a buffer that the thread keeps, queued in one of the right size.</summary>
internal sealed class ChunkSink(ChunkQueue queue, LineSource source) : IReadSink
{
    [ThreadStatic]
    private static byte[]? t_buffer;

    public void Attach(ReadPump pump) => queue.Attach(pump);

    public Span<byte> GetSpan(int sizeHint) => t_buffer ??= GC.AllocateUninitializedArray<byte>(PipeDefaults.ReadBlock);

    public void Advance(int count) => queue.Add(Chunk.CopyOf(t_buffer.AsSpan(0, count), source));

    public bool Flush() => queue.Flush();

    public void Complete(Exception? error) => queue.Complete(error);
}
