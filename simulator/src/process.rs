//! Processes: a thread for each client of a world, and a new process for a client whose process was killed.
//!
//! Never: two threads that run at once.

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

use kernite_io::{Process, SharedIo};

use crate::trace::Call;
use crate::world::{SimIo, World};

/// One process's life: its world and who it is in it.
pub struct Life {
    pub world: Arc<World>,
    /// Its number; no other process of the world ever has it.
    pub number: usize,
    /// The client that it serves.
    pub client: u8,
    kernite: OnceCell<Arc<Process>>,
}

impl Life {
    fn new(world: &Arc<World>, number: usize, client: u8) -> Life {
        Life { world: Arc::clone(world), number, client, kernite: OnceCell::new() }
    }

    /// A life in a world that has one process at a time, on the caller's thread.
    pub fn alone(world: &Arc<World>) -> Life {
        let number = world.add_process(0);
        world.run_alone(number);
        Life::new(world, number, 0)
    }

    /// The world as Kernite sees it.
    pub fn io(&self) -> SharedIo {
        Arc::new(SimIo::new(Arc::clone(&self.world), self.number))
    }

    /// The Kernite process, in which all connections of this life are.
    pub fn kernite(&self) -> &Arc<Process> {
        self.kernite.get_or_init(|| Arc::new(Process::new(self.io())))
    }

    /// Whether it was killed.
    pub fn is_over(&self) -> bool {
        self.world.is_dead(self.number)
    }

    /// Writes down what the client does.
    pub fn note(&self, text: impl FnOnce() -> String) {
        let mut state = self.world.lock();
        let now = state.clock_ns;
        state.notes += 1;
        state.trace.note(now, self.number, Call::Note, (0, 0, 0), text);
    }

    /// How many notes there are.
    pub fn notes(&self) -> usize {
        self.world.lock().notes
    }

    /// Sleeps on the simulated clock. `false` where the process died meanwhile.
    pub fn sleep_us(&self, microseconds: u64) -> bool {
        let until = self.world.lock().clock_ns + microseconds * 1_000;
        self.world.wait(self.number, &kernite_io::Outstanding::new(), Some(until), Call::Sleep).is_ok()
    }
}

/// What a client does in each of its lives.
pub type Body<'a> = Box<dyn FnMut(&Life) + Send + 'a>;

thread_local! {
    static WHERE: RefCell<String> = const { RefCell::new(String::new()) };
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Panics are findings here: they are told with their place instead of being printed.
fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.with(Cell::get) {
                let place = info.location().map(ToString::to_string).unwrap_or_default();
                WHERE.with(|cell| *cell.borrow_mut() = place);
            } else {
                before(info);
            }
        }));
    });
}

/// Runs `body`; a panic in it becomes a text.
pub fn catching<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    hook_panics();
    let before = CATCHING.with(|cell| cell.replace(true));
    let result = catch_unwind(AssertUnwindSafe(body));
    CATCHING.with(|cell| cell.set(before));
    result.map_err(|panic| text_of(&*panic))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    format!("panic at {}: {text}", WHERE.with(|cell| cell.borrow().clone()))
}

fn serve(world: &Arc<World>, first: usize, client: u8, body: &mut Body<'_>) {
    let mut number = first;
    world.wait_for_turn(number);
    loop {
        let life = Life::new(world, number, client);
        if let Err(panic) = catching(|| body(&life)) {
            world.violation(format!("p{number}: {panic}"));
        }
        if !world.finish(number) {
            world.pass_on(number);
            return;
        }
        number = world.add_process(client);
        world.run_alone(number);
    }
}

/// Stack of a client's thread: SQLite's parser and ours are content with less.
const STACK_BYTES: usize = 8 << 20;

/// Runs all clients to their ends.
pub fn run_all(world: &Arc<World>, clients: Vec<Body<'_>>) {
    std::thread::scope(|scope| {
        for (client, mut body) in clients.into_iter().enumerate() {
            let client = client as u8;
            let number = world.add_process(client);
            let builder =
                std::thread::Builder::new().name(format!("client {client}")).stack_size(STACK_BYTES);
            let spawned = builder.spawn_scoped(scope, move || serve(world, number, client, &mut body));
            spawned.expect("the machine has room for a thread");
        }
        world.start();
        world.wait_for_end();
    });
}
