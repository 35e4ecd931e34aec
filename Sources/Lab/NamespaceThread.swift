import Glibc
import Netlink

/// A thread of its own that carries out jobs one after another, so that its network and mount namespaces are never
/// those of a thread that other code runs on (Swift's concurrency pool above all).
final class NamespaceThread: @unchecked Sendable {
    // Everything below is guarded by `mutex`, except `thread`, which is written before anyone else sees this.
    private var jobs: [Job] = []
    private var ending = false
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var thread = pthread_t()

    private struct Job {
        let work: () -> Void
        let done: UnsafeMutablePointer<Bool>
    }

    init() throws(LabError) {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        let argument = Unmanaged.passRetained(self)
        let failed = pthread_create(
            &thread, nil,
            { argument in
                // Keeps the queue alive until the thread has ended, whoever lets go of it before.
                Unmanaged<NamespaceThread>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, argument.toOpaque())
        guard failed == 0 else {
            argument.release()
            throw LabError(action: "start a thread", errno: SystemErrorNumber(failed))
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Runs the job on the thread and waits for it. On the thread itself it runs at once.
    func run<T, E: Error>(_ body: () throws(E) -> T) throws(E) -> T {
        if pthread_equal(pthread_self(), thread) != 0 { return try body() }
        var result: Result<T, E>?
        withoutActuallyEscaping(body) { body in
            var done = false
            withUnsafeMutablePointer(to: &done) { done in
                withUnsafeMutablePointer(to: &result) { result in
                    let work = {
                        do throws(E) {
                            result.pointee = .success(try body())
                        } catch {
                            result.pointee = .failure(error)
                        }
                    }
                    submit(Job(work: work, done: done))
                    wait(for: done)
                }
            }
        }
        return try result!.get()
    }

    /// Ends the thread once all jobs are done, and waits for that (on the thread itself: doesn't wait).
    func end() {
        pthread_mutex_lock(mutex)
        ending = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
        if pthread_equal(pthread_self(), thread) != 0 {
            pthread_detach(thread)
        } else {
            pthread_join(thread, nil)
        }
    }

    private func submit(_ job: Job) {
        pthread_mutex_lock(mutex)
        jobs.append(job)
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    private func finish(_ done: UnsafeMutablePointer<Bool>) {
        pthread_mutex_lock(mutex)
        done.pointee = true
        pthread_cond_broadcast(changed)
        pthread_mutex_unlock(mutex)
    }

    private func wait(for done: UnsafeMutablePointer<Bool>) {
        pthread_mutex_lock(mutex)
        while !done.pointee { pthread_cond_wait(changed, mutex) }
        pthread_mutex_unlock(mutex)
    }

    private func work() {
        while let done = runNext() { finish(done) }
    }

    /// Waits for a job and runs it; nil once there will be none. The job is let go of on return, so that whoever waits
    /// for it finds nothing of it left.
    private func runNext() -> UnsafeMutablePointer<Bool>? {
        pthread_mutex_lock(mutex)
        while jobs.isEmpty, !ending { pthread_cond_wait(changed, mutex) }
        let job = jobs.isEmpty ? nil : jobs.removeFirst()
        pthread_mutex_unlock(mutex)
        job?.work()
        return job?.done
    }
}
