//! Keeps the service as its configuration says while it runs: reads it anew when it is
//! asked to, or when a file of it changes, and puts a good one into effect without a
//! failed call. A bad one is told, and the old one goes on.

mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use prove_token::ErrorKind;
use prove_token_config::{Caller, Profile};
use prove_token_emulator::Emulator;
use tokio::sync::{mpsc, oneshot};

use self::watch::Watch;
use crate::banner;
use crate::bearer::Bearers;
use crate::caller::Callers;
use crate::console::printable;
use crate::desk::Desk;
use crate::failure::Failure;
use crate::listener::SocketPlace;
use crate::lookout::Lookout;
use crate::notice::{Notice, Observer};
use crate::office::{Front, Office};
use crate::plan::{Plan, Source, refused};
use crate::sink::{Sink, Turn};
use crate::staff::{Staff, Task};
use crate::state::State;
use crate::tls::Tailor;

/// What a reload came to: what is different, in words.
type Outcome = Result<Vec<String>, Failure>;

/// Asks for a reload.
#[derive(Clone, Debug)]
pub(crate) struct Reloader(mpsc::Sender<oneshot::Sender<Outcome>>);

/// Those who asked.
pub(crate) type Requests = mpsc::Receiver<oneshot::Sender<Outcome>>;

/// The service as it is now, and where its configuration is read from.
#[derive(Debug)]
pub(crate) struct Steward {
    source: Option<Source>,
    observer: Observer,
    plan: Plan,
    staff: Staff,
    sinks: BTreeMap<PathBuf, Kept>,
    front: Arc<Front>,
    tailor: Option<Tailor>,
    state: State,
    /// Ends with the service.
    emulator: Option<Emulator>,
    /// The Unix sockets that are ours, whose modes follow the callers.
    pub(crate) sockets: Vec<SocketPlace>,
}

/// A sink that is kept.
#[derive(Debug)]
struct Kept {
    sink: Sink,
    desk: Arc<Desk>,
    turn: Turn,
    _task: Task,
}

impl Reloader {
    pub(crate) fn new() -> (Self, Requests) {
        let (sender, requests) = mpsc::channel(8);
        (Self(sender), requests)
    }

    /// Reads the configuration anew, with every secret, and puts it into effect.
    ///
    /// # Errors
    ///
    /// What is wrong with it; the old one goes on.
    pub(crate) async fn reload(&self) -> Outcome {
        let ended = |_| Failure::new(ErrorKind::Internal, "the service is ending");
        let (answer, outcome) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| ended(()))?;
        outcome.await.map_err(|_| ended(()))?
    }
}

impl Steward {
    /// Takes `plan` into service.
    pub(crate) fn new(
        plan: Plan,
        source: Option<Source>,
        observer: Observer,
    ) -> Result<Self, Failure> {
        let lookout = Arc::<Lookout>::default();
        let observer = lookout.also_told(observer);
        let mut emulator = None;
        let (staff, _) = Staff::default().for_profiles(
            &plan.profiles,
            source.as_ref(),
            &lookout,
            &mut emulator,
        )?;
        let tailor = plan.key.clone().map(Tailor::new).transpose()?;
        let mut state = State::new()?;
        let notice = state.settle(&plan)?;
        let mut steward = Self {
            front: Arc::new(Front::new(
                office(&plan, &staff, &state, &lookout),
                Arc::clone(&lookout),
            )),
            state,
            source,
            observer,
            staff,
            sinks: BTreeMap::new(),
            tailor,
            emulator,
            sockets: Vec::new(),
            plan,
        };
        steward.keep_sinks();
        for what in steward.shortcomings().into_iter().chain(notice) {
            steward.observer.tell(&Notice::Ineffective { what: &what });
        }
        Ok(steward)
    }

    pub(crate) fn front(&self) -> &Arc<Front> {
        &self.front
    }

    pub(crate) fn tailor(&self) -> Option<&Tailor> {
        self.tailor.as_ref()
    }

    /// Reloads whenever there is a reason to, for as long as the service runs.
    pub(crate) async fn serve(mut self, mut requests: Requests) {
        let Some(source) = self.source.clone() else {
            while let Some(answer) = requests.recv().await {
                let failure = refused("this service was made without a configuration file");
                let _ = answer.send(Err(failure));
            }
            return;
        };
        let mut watch = Watch::new(source.fingerprints.clone(), &self.observer);
        watch.follow(&self.plan.seen);
        // What the file holds was refused, and somebody will put it right.
        let mut is_refused = false;
        loop {
            let asked = tokio::select! {
                asked = requests.recv() => match asked {
                    Some(answer) => Some(answer),
                    None => return,
                },
                () = watch.changed() => None,
            };
            let outcome = self.reload(&source, asked.is_some()).await;
            let was_refused = std::mem::replace(&mut is_refused, outcome.is_err());
            match &outcome {
                // A file was touched, and nobody waits for a word.
                Ok(changes) if changes.is_empty() && asked.is_none() && !was_refused => {}
                Ok(changes) => {
                    let status = &banner::status(&self.plan);
                    self.observer.tell(&Notice::Reloaded { changes, status });
                }
                Err(failure) => self.observer.tell(&Notice::ReloadFailed { failure }),
            }
            if outcome.is_ok() {
                watch.follow(&self.plan.seen);
            }
            if let Some(answer) = asked {
                let _ = answer.send(outcome);
            }
        }
    }

    /// Reads the configuration and puts it into effect as a whole, or not at all.
    async fn reload(&mut self, source: &Source, is_asked: bool) -> Outcome {
        let reader = source.clone();
        let read = tokio::task::spawn_blocking(move || reader.read()).await;
        let plan = read.unwrap_or_else(|_| {
            let message = "reading the configuration panicked";
            Err(Failure::new(ErrorKind::Internal, message))
        })?;
        let (staff, mut changes) = self.staff.for_profiles(
            &plan.profiles,
            Some(source),
            &self.front.lookout,
            &mut self.emulator,
        )?;
        if let Some(what) = self.state.settle(&plan)? {
            self.observer.tell(&Notice::Ineffective { what: &what });
        }
        staff.warm_up(&self.staff).await;
        // From here on nothing can fail.
        changes.extend(callers_changed(
            &self.plan.settings.callers,
            &plan.settings.callers,
        ));
        self.replace_certificate(&plan, &mut changes);
        self.note_listeners(&plan);
        let lookout = &self.front.lookout;
        self.front
            .replace(office(&plan, &staff, &self.state, lookout));
        self.staff = staff;
        self.plan = plan;
        changes.extend(self.staff.renew_secrets(source, is_asked));
        changes.extend(self.keep_sinks());
        self.open_sockets();
        Ok(changes)
    }

    fn replace_certificate(&self, plan: &Plan, changes: &mut Vec<String>) {
        let (Some(tailor), Some(new)) = (&self.tailor, &plan.key) else {
            return;
        };
        let old = self.plan.key.as_ref().map(|key| &key.cert);
        if old != Some(&new.cert) {
            changes.push("certificate replaced".to_owned());
        }
        tailor.replace(Arc::clone(new));
    }

    /// Where it listens is decided at the start.
    fn note_listeners(&self, plan: &Plan) {
        let listeners = |plan: &Plan| {
            let settings = &plan.settings;
            let others = [
                settings.admin_listen.clone(),
                settings.health_listen.clone(),
            ];
            (settings.listen.clone(), others, settings.tls.is_some())
        };
        let by_default = plan.listens_by_default && self.plan.listens_by_default;
        if !by_default && listeners(plan) != listeners(&self.plan) {
            self.observer.tell(&Notice::Ineffective {
                what: "other addresses to listen on take effect when the service is restarted",
            });
        }
    }

    /// Begins the sinks that are new, ends those that are gone, leaves the others alone.
    fn keep_sinks(&mut self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut old = std::mem::take(&mut self.sinks);
        for sink in &self.plan.sinks {
            let Some(desk) = self.staff.desk(&sink.profile) else {
                continue;
            };
            let before = old.remove(&sink.path);
            let kept = match before {
                Some(kept) if kept.sink == *sink && Arc::ptr_eq(&kept.desk, desk) => kept,
                before => {
                    changes.push(format!("sink {} begun", printable(&sink.path)));
                    let turn = before
                        .map(|kept| Arc::clone(&kept.turn))
                        .unwrap_or_default();
                    let (client, observer) = (desk.client.clone(), self.observer.clone());
                    let work = sink.clone().keep(client, Arc::clone(&turn), observer);
                    Kept {
                        sink: sink.clone(),
                        desk: Arc::clone(desk),
                        turn,
                        _task: Task::spawn(work),
                    }
                }
            };
            self.sinks.insert(sink.path.clone(), kept);
        }
        let gone = old.keys().map(|path| printable(path));
        changes.extend(gone.map(|path| format!("sink {path} ended")));
        changes
    }

    /// With callers that the kernel tells apart everybody may connect, without any the
    /// owner alone.
    fn open_sockets(&self) {
        let open = self.front.office().callers.are_told_by_the_kernel();
        for socket in &self.sockets {
            if let Err(error) = socket.open_to(open) {
                let path = printable(&socket.path);
                let what = match error.get_ref() {
                    Some(reason) => format!("the mode of {path} stays: {reason}"),
                    None => format!("the mode of {path} stays: {}", error.kind()),
                };
                self.observer.tell(&Notice::Ineffective { what: &what });
            }
        }
    }

    /// What is less than was meant, and no reason not to serve.
    fn shortcomings(&self) -> Vec<String> {
        let of = |profile: &Profile| {
            let problem = profile.store_problem.as_ref()?;
            Some(format!(
                "tokens of {} are kept in memory alone: {problem}",
                profile.name
            ))
        };
        self.plan.profiles.iter().filter_map(of).collect()
    }
}

/// The desks, and who may come to them.
fn office(plan: &Plan, staff: &Staff, state: &State, lookout: &Lookout) -> Arc<Office> {
    let names: Vec<_> = plan
        .profiles
        .iter()
        .map(|profile| profile.name.clone())
        .collect();
    let uid = rustix::process::geteuid().as_raw();
    let bearers = Bearers::new(state.key(), &plan.settings.callers);
    Arc::new(Office {
        desks: staff.desks(),
        callers: Callers::new(
            &plan.settings.callers,
            uid,
            &names,
            bearers,
            &lookout.metrics,
        ),
    })
}

/// Who is new, gone or different, in words.
fn callers_changed(old: &[Caller], new: &[Caller]) -> Vec<String> {
    let find = |callers: &'_ [Caller], name: &str| -> Option<Caller> {
        callers.iter().find(|caller| caller.name == name).cloned()
    };
    let mut changes = Vec::new();
    for caller in new {
        match find(old, &caller.name) {
            None => changes.push(format!("caller {} added", caller.name)),
            Some(before) if before != *caller => {
                changes.push(format!("caller {} changed", caller.name));
            }
            Some(_) => {}
        }
    }
    let gone = old
        .iter()
        .filter(|caller| find(new, &caller.name).is_none());
    changes.extend(gone.map(|caller| format!("caller {} removed", caller.name)));
    changes
}

#[cfg(test)]
mod tests;
