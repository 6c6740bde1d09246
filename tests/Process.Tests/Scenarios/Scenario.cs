using System.Reflection;

namespace UnixLoop.Process.Tests.Scenarios;

/// <summary>
/// What runs in a process of its own: a static method "Task Name(string[] args)" of this assembly. It talks to its test
/// through standard output and input, and fails by an exception.
/// </summary>
internal static class Scenario
{
    /// <summary>Exit code of a scenario that threw; the exception is on standard error.</summary>
    internal const int Failed = 70;

    internal static async Task<int> RunAsync(string type, string method, string[] args)
    {
        MethodInfo scenario = typeof(Scenario).Assembly.GetType(type)?.GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)
            ?? throw new MissingMethodException(type, method);
        try
        {
            await scenario.CreateDelegate<Func<string[], Task>>()(args);
            return 0;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return Failed;
        }
    }

    /// <summary>Tells the test <paramref name="line"/>.</summary>
    internal static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    /// <summary>Waits until the test closes standard input.</summary>
    internal static async Task WaitForEndAsync() => await Console.In.ReadToEndAsync().WaitAsync(TestTimeout);
}
